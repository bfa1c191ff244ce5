"""A table on a phone: each cell says what it is, or the table is small enough to stand as it is."""

from services.console.narrow import stacked


def table(head: str, row: str) -> str:
    return f"<table>\n<thead><tr>{head}</tr></thead><tbody>\n<tr>{row}</tr></tbody></table>"


def test_cells_of_many_columns_are_told_which_they_are_of() -> None:
    page = stacked(
        table(
            '<th>农户</th><th>环节</th><th class="number">金额(元)</th><th>最迟</th><td></td>',
            '<td><a href="/x">王**</a></td><td>1</td><td class="number">1</td><td>a</td><td>b</td>',
        )
    )
    assert '<table class="stack">' in page
    assert '<td data-label="农户"><a href="/x">' in page
    assert '<td data-label="金额(元)" class="number">1</td>' in page
    assert "<td>b</td>" in page


def test_a_cell_over_several_columns_and_a_sum_keep_their_own_words() -> None:
    page = stacked(
        table("<th>甲</th><th>乙</th><th>丙</th><th>丁</th>", '<td colspan="4">没有</td>')
    )
    assert '<td colspan="4">没有</td>' in page
    page = stacked(table("<th>甲</th><th>乙</th><th>丙</th><th>丁</th>", "<th>合计</th><td>1</td>"))
    assert "<th>合计</th><td>1</td>" in page


def test_titles_are_text_whatever_they_hold() -> None:
    page = stacked(
        table('<th>"甲" &amp; <b>乙</b></th><th>2</th><th>3</th><th>4</th>', "<td>1</td>")
    )
    assert 'data-label="&#34;甲&#34; &amp; 乙"' in page


def test_counts_stand_side_by_side_and_money_does_not() -> None:
    counts = "<th>地方</th>" + '<th class="number">个案</th>' * 6
    assert '<table class="figures">' in stacked(table(counts, "<td>村</td>"))
    assert '<table class="stack">' in stacked(
        table(counts.replace("个案", "金额(元)"), "<td>村</td>")
    )
    few = table("<th>环节</th><th>待办</th><th>逾期</th>", "<td>批准</td>")
    assert stacked(few) == few
