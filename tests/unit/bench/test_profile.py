"""What is read out of py-spy's stacks, and what a new profile leaves of the old page."""

from pathlib import Path

from bench.profile import Process, page, processes, shortened, write

_HOME = str(Path(__file__).parents[3])
_STACKS = (
    'process 10:"python -m bench.command";main (bench/command.py:3);send (bench/http_load.py:9) 3',
    'process 10:"python -m bench.command";process 11:"python -c import x; spawn(fd=1)";'
    f"serve ({_HOME}/bench/command.py:7);append ({_HOME}/shared/store/event_store.py:20) 5",
    'process 10:"python -m bench.command";process 11:"python -c import x; spawn(fd=1)";'
    f"serve ({_HOME}/bench/command.py:7) 1",
    'process 10:"python -m bench.command";_find_and_load (<frozen importlib._bootstrap>);x (a) 90',
)


def test_each_process_has_its_own_counts_and_imports_have_none() -> None:
    child, parent = processes(_STACKS)
    assert child == Process(
        looks=6,
        own={"append (shared/store/event_store.py)": 5, "serve (bench/command.py)": 1},
        whole={"append (shared/store/event_store.py)": 5, "serve (bench/command.py)": 6},
    )
    assert parent.looks == 3


def test_no_path_of_a_machine_is_written() -> None:
    assert shortened("run (/usr/lib/python3.11/asyncio/runners.py:118)") == (
        "run (asyncio/runners.py)"
    )
    assert shortened("get (/x/.venv/lib/python3.11/site-packages/httpx/a.py:1)") == (
        "get (httpx/a.py)"
    )


def test_a_new_profile_leaves_what_was_written_about_the_old(tmp_path: Path) -> None:
    place = tmp_path / "command.md"
    write(place, "command", "command", page(processes(_STACKS)))
    place.write_text(place.read_text().replace("# command\n", "# command\n\nMost is waiting.\n"))
    write(place, "command", "command --count 5", "\nanew\n")
    text = place.read_text()
    assert "Most is waiting." in text
    assert "anew" in text
    assert "append" not in text
