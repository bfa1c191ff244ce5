"""The places themselves: what the packaged list holds, and what a bad list is told."""

import lzma
import time
from pathlib import Path

import pytest

from shared.kernel.division import Level
from shared.policy.divisions import BadDivisionFile, Divisions, UnknownDivision, WrongLevel


@pytest.fixture(scope="module")
def shandong() -> Divisions:
    return Divisions.load()


def test_the_packaged_list_is_the_whole_province(shandong: Divisions) -> None:
    counted = dict.fromkeys(Level, 0)
    for place in shandong:
        counted[place.level] += 1
    assert counted == {
        Level.NATION: 0,
        Level.PROVINCE: 1,
        Level.CITY: 16,
        Level.COUNTY: 151,
        Level.TOWN: 1853,
        Level.VILLAGE: 62074,
    }
    assert len(shandong) == 64095


def test_it_is_read_quickly() -> None:
    best = min(_seconds_to_load() for _ in range(3))
    assert best < 0.3, "0.08 s of a 2-core machine's time; twice the promise and more"


def _seconds_to_load() -> float:
    """Of the processor's own time: how busy the machine is does not matter."""
    began = time.process_time()
    Divisions.load()
    return time.process_time() - began


def test_a_place_has_a_name_a_path_and_what_it_holds(shandong: Divisions) -> None:
    assert shandong.name("370114") == "章丘区"
    assert shandong.path("370114007202") == "山东省济南市章丘区普集街道普集西村村民委员会"
    assert shandong.path("CN") == "全国"
    assert shandong.lineage("370114007") == ["37", "3701", "370114", "370114007"]
    assert [place.code for place in shandong.children("CN")] == ["37"]
    cities = shandong.children("37")
    assert (len(cities), cities[0].name, cities[-1].name) == (16, "济南市", "菏泽市")
    assert shandong.children("370102001002") == ()
    assert "CN" in shandong
    assert "370199" not in shandong


def test_an_unknown_code_is_refused_with_its_field(shandong: Divisions) -> None:
    with pytest.raises(UnknownDivision) as caught:
        shandong.require("370199", field="division")
    refusal = caught.value
    assert (refusal.code, refusal.field, refusal.status) == ("unknown-division", "division", 422)
    assert refusal.zh == "行政区划代码370199不存在"
    with pytest.raises(UnknownDivision):
        shandong.name("11")
    with pytest.raises(UnknownDivision):
        shandong.children("110101")


def test_a_code_of_another_level_is_refused(shandong: Divisions) -> None:
    assert shandong.require("370114", level=Level.COUNTY) == "370114"
    with pytest.raises(WrongLevel) as caught:
        shandong.require("370114", level=Level.VILLAGE, field="village")
    assert caught.value.zh == "此处应填村级行政区划,370114是县级"
    assert caught.value.code == "wrong-division-level"


def test_search_finds_by_name_by_place_around_it_and_by_code(shandong: Divisions) -> None:
    assert shandong.search("章丘区")[0].code == "370114"
    assert [place.code for place in shandong.search("章丘 普集")[:2]] == [
        "370114007",
        "370114007202",
    ]
    assert shandong.search("3701")[0].code == "3701"
    towns = shandong.search("普集", level=Level.TOWN, inside="3701")
    assert [place.name for place in towns] == ["普集街道"]
    assert len(shandong.search("村", limit=7)) == 7
    assert shandong.search("   ") == []
    assert shandong.search("没有这个地方") == []


def test_a_table_of_ones_own_is_read(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "\ufeffcode,name,note\n4101,郑州市,\n41,河南省,x\n410102,中原区,\n", encoding="utf-8"
    )
    divisions = Divisions.load(own)
    assert [place.code for place in divisions] == ["41", "4101", "410102"]
    assert divisions.path("410102") == "河南省郑州市中原区"
    assert divisions.digest != Divisions.load().digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "line 1: the columns"),
        ("code,name\n41,河南省\n41x,郑州市\n", "line 3: '41x' is no division code"),
        ("code,name\n41,\n", "line 2: 41 has no usable name"),
        ("code,name\n41,河南省\n41,河南\n", "line 3: 41 is there twice"),
        ("code,name\n4101,郑州市\n", "4101 lies in 41, which is not in the file"),
        ("code,name\nCN,全国\n", "line 2: the nation is not listed"),
        ("code,name\n41\n", "line 2: 41 has no usable name"),
    ],
)
def test_a_bad_table_names_its_line(tmp_path: Path, text: str, says: str) -> None:
    own = tmp_path / "own.csv"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(BadDivisionFile, match=says):
        Divisions.load(own)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = lzma.compress("37 山东省\n\t01 济南市\n".encode())
    for content in (whole[:-12], b"\xff\xfe\x00", lzma.compress(b"\t\t\t\t\t\t\t01 x\n")):
        path = tmp_path / "damaged"
        path.write_bytes(content)
        with pytest.raises(BadDivisionFile):
            Divisions.load(path)
