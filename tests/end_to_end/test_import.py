"""A county's file from the command line: tried, taken in, sent again."""

import csv
from pathlib import Path

from shared.testing.casework import VILLAGE, document
from tests.end_to_end.system import System


def test_a_file_is_tried_taken_in_and_sent_again(system: System, tmp_path: Path) -> None:
    file = tmp_path / "households.csv"
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(
            [
                *("户序号", "所属村代码", "是否脱贫户", "家庭住址"),
                *("姓名", "证件号码", "与户主关系", "劳动技能"),
            ]
        )
        for number in range(3):
            home = (number, VILLAGE, "否", "某村")
            writer.writerow([*home, "某某", document(), "户主", "普通劳动力"])
        writer.writerow([9, VILLAGE, "否", "某村", "某某", "123456", "户主", "普通劳动力"])
    tried = system.command("import", "households", str(file), "--preview")
    assert "3 would be registered, 0 were there, 1 refused; 4 rows" in tried.stdout
    done = system.command("import", "households", str(file))
    assert done.returncode == 1
    assert "row 5 证件号码" in done.stdout
    assert "3 registered, 0 were there, 1 refused" in done.stdout
    again = system.command("import", "households", str(file))
    assert "0 registered, 3 were there, 1 refused" in again.stdout
    stranger = system.command("import", "households", str(file), "--user", "nobody")
    assert "lets no nobody in" in stranger.stdout
