"""Several runs at once into one folder, or one file: all finish, and each file is whole."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from documents import make_document
from test_outputs import document_of, open_in, run, tree, videos

from vidtag.outputs import RECORDS_NAME, write_whole
from vidtag.outputs.atomic import _open_temporary, clear_temporaries
from vidtag.outputs.locking import is_held, open_locked
from vidtag.outputs.records import Records


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hidden(folder: str = ".") -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_what_is_being_written_stays_and_what_a_kill_left_goes() -> None:
    name, descriptor = _open_temporary("x.json")
    other, _ = _open_temporary("x.json")
    assert other != name
    Path(".vidtag-0123456789abcdef.tmp").write_text("left by version 0.1")
    Path(".vidtag-0123456789abcdef-01234567.tmp").write_text("left by a kill")
    Path(".vidtag-mine.tmp").write_text("another's")
    clear_temporaries(".")
    left = {os.path.basename(name), os.path.basename(other), ".vidtag-mine.tmp"}
    assert set(hidden()) == left
    os.close(descriptor)
    clear_temporaries(".")
    assert os.path.basename(name) not in hidden()


def test_a_file_is_written_while_another_run_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = videos("a.mp4")

    def chunks() -> list[bytes]:
        with open_in("out/", ["json", "csv"], inputs):
            clear_temporaries("out")
        return [b"whole"]

    class Late(list[bytes]):
        def __iter__(self):
            return iter(chunks())

    os.mkdir("out")
    write_whole("out/a.mp4.json", Late())
    assert Path("out/a.mp4.json").read_bytes() == b"whole"
    assert hidden("out") == []


def test_a_lock_is_given_back_and_kept_from_others() -> None:
    with open_locked("file") as file:
        assert not file.read()
        with open("file", "rb") as again:
            assert is_held(again.fileno())
        os.replace("file", "gone")  # another process put its own in the place
    with open_locked("file") as file, open("gone", "rb") as other:
        assert not is_held(other.fileno())


def test_records_of_two_runs_are_all_kept() -> None:
    os.mkdir("out")
    one, two = Records("out"), Records("out")
    for records, name in ((one, "a"), (two, "b"), (one, "c")):
        with records.changing(f"out/{name}", {"by": name}):
            Path("out", name).touch()
    one.close()  # sorts, while the other goes on
    with two.changing("out/0", {"by": "0"}):
        Path("out/0").touch()
    two.close()
    lines = [json.loads(line) for line in Path("out", RECORDS_NAME).read_text().splitlines()]
    assert [line["file"] for line in lines] == ["0", "a", "b", "c"]
    assert all(line["record"] == {"by": line["file"]} for line in lines)
    assert one.lists("out/0")
    assert not one.lists("out/1")


def test_a_line_that_was_cut_costs_no_other() -> None:
    records = Records("")
    with records.changing("a", {}):
        pass
    with open(RECORDS_NAME, "ab") as file:
        file.write(b'{"file": "b", "rec')
    with records.changing("c", {}):
        pass
    assert Records("").get("c") == {}
    Path("a").touch()
    Path("c").touch()
    records.close()
    assert Path(RECORDS_NAME).read_text().count("\n") == 2


def test_a_write_that_fails_leaves_no_claim_on_a_name() -> None:
    records = Records("")
    with pytest.raises(ZeroDivisionError), records.changing("a", {}):
        raise ZeroDivisionError
    records.close()
    assert not Records("").lists("a")


@pytest.mark.parametrize("path", ["all.jsonl", "all.csv"])
def test_two_runs_into_one_file_leave_one_whole_result(path: str) -> None:
    inputs = videos("a.mp4", "b.mp4")
    a, b = inputs.items
    run(path, [], inputs)
    expected = Path(path).read_bytes()
    one, two = open_in(path, [], inputs), open_in(path, [], inputs)
    for outputs, item in ((one, a), (two, b), (one, b), (two, a)):
        outputs.write(item, document_of(item))
    one.close()
    assert Path(path).read_bytes() == expected
    two.close()
    assert Path(path).read_bytes() == expected
    assert run(path, [], inputs, skip=True) == ["a.mp4", "b.mp4"]
    assert hidden() == []


_CHILD = """
import sys
sys.path[:0] = [{tests!r}]
import test_outputs as t

sys.stdin.read(1)  # all begin at once
for path, formats in (("out/", ["json", "csv", "html"]), ("all.csv", []), ("all.jsonl", [])):
    t.run(path, formats, t.find_inputs(["v"], recursive=True))
"""


@pytest.mark.slow
def test_processes_side_by_side_all_finish() -> None:
    inputs = videos(*(f"{n}.mp4" for n in range(12)))
    for path, formats in (("out/", ["json", "csv", "html"]), ("all.csv", []), ("all.jsonl", [])):
        run(path, formats, inputs)
    expected = tree()
    for name in set(expected):
        if not name.startswith("v/"):
            os.remove(name)
    code = textwrap.dedent(_CHILD).format(tests=str(Path(__file__).parent))
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for child in children:
        child.stdin.write(b"x")
        child.stdin.flush()
    for child in children:
        assert child.communicate(timeout=300)[1] == b""
        assert child.returncode == 0
    assert tree() == expected


def test_a_record_of_other_settings_is_that_of_the_file_that_is_there() -> None:
    inputs = videos("a.mp4")
    [item] = inputs.items
    document = document_of(item)
    other = replace(document, settings=replace(document.settings, top_k=9))
    one, two = open_in("out/", ["csv"], inputs), open_in("out/", ["csv"], inputs)
    one.write(item, document)
    two.write(item, other)
    one.close()
    two.close()
    record = Records("out").get("out/a.mp4.csv")
    assert record is not None
    assert record["settings"]["top_k"] == 9
    assert make_document().settings.top_k != 9
