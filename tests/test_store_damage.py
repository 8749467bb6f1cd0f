"""A broken cache costs speed, never the result; and it is whole again after the next run."""

import dataclasses
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fake_classifier import FakeClassifier
from make_video import make_video

from vidtag import ScoreStore, Tagger
from vidtag.cache import database
from vidtag.cache.scores import _digest
from vidtag.documents.records import Document

NAN = np.full(3, np.nan, "<f4").tobytes()
INF = np.full(3, np.inf, "<f4").tobytes()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("videos") / "clip.mp4", num_frames=110, fps=25)


@pytest.fixture(scope="module")
def expected(clip: Path) -> Document:
    return without_timing(Tagger(FakeClassifier()).tag(clip))


@pytest.fixture(scope="module")
def whole(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database after a run, all of it in its main file."""
    folder = tmp_path_factory.mktemp("cache")
    run(folder, clip)
    return (folder / "scores.sqlite3").read_bytes()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_WAIT_SECONDS", 0.1)


def without_timing(document: Document) -> Document:
    return dataclasses.replace(document, timing=None)  # type: ignore[arg-type]


def run(folder: Path, clip: Path) -> Document:
    with ScoreStore(folder) as store:
        return Tagger(FakeClassifier(), store=store).tag(clip)


def sql(folder: Path, *statements: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(folder / "scores.sqlite3", isolation_level=None)) as db:
        for statement in statements:
            rows = db.execute(statement).fetchall()
    return rows


def blob(content: bytes) -> str:
    return f"x'{content.hex()}'"


STATEMENTS = {
    "short blob": "UPDATE windows SET logits = x'00' WHERE window = 1",
    "long blob": "UPDATE windows SET logits = zeroblob(3000000) WHERE window = 1",
    "other numbers": "UPDATE windows SET logits = zeroblob(12) WHERE window = 1",
    "text": "UPDATE windows SET logits = 'twelve bytes' WHERE window = 1",
    "number": "UPDATE windows SET logits = 17",
    "NaN": f"UPDATE windows SET logits = {blob(NAN)}",
    "infinity": f"UPDATE windows SET logits = {blob(INF)}",
    "other pictures": "UPDATE windows SET made_from = x'00'",
    "pictures as text": "UPDATE windows SET made_from = 'x'",
    "checksum": "UPDATE windows SET checksum = 'x' WHERE window = 0",
    "swapped": "UPDATE windows SET logits = (SELECT w.logits FROM windows w "
    "WHERE w.key = windows.key AND w.window = 3 - windows.window)",
    "negative index": "UPDATE windows SET window = -1 WHERE window = 0",
    "huge index": "UPDATE windows SET window = 1 << 62 WHERE window = 0",
    "index as text": "UPDATE windows SET window = 'x' WHERE window = 0",
    "more windows": "INSERT INTO windows SELECT key, window + 1000, made_from, logits, checksum "
    "FROM windows",
    "missing row": "DELETE FROM windows WHERE window = 2",
    "no rows": "DELETE FROM windows",
    "no run": "DELETE FROM runs",
    "no record": "UPDATE runs SET record = NULL",
    "record of odd shape": "UPDATE runs SET record = '[]'",
    "record that is no JSON": "UPDATE runs SET record = '{'",
    "record that is no text": "UPDATE runs SET record = x'ff00ff'",
    "record that is a number": "UPDATE runs SET record = 1e999",
    "record that says otherwise": """UPDATE runs SET record =
        replace(record, '"num_frames": 110', '"num_frames": 111')""",
    "odd counts": "UPDATE runs SET used_at = 'x', num_bytes = 'y'",
    "endless counts": "UPDATE runs SET used_at = 1e999, num_bytes = 1e999",
    "other hash": "INSERT OR REPLACE INTO files SELECT identity, 'sha256:' || hex(randomblob(32)), "
    "checksum FROM files",
    "no table": "DROP TABLE windows",
    "another table": "ALTER TABLE runs RENAME COLUMN record TO other",
    "a view": "ALTER TABLE runs RENAME TO others; CREATE VIEW runs AS SELECT * FROM others",
    "an older version": "PRAGMA user_version = 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STATEMENTS)
def test_odd_rows_are_not_taken_and_are_repaired(tmp_path, clip, whole, expected, name):
    (tmp_path / "scores.sqlite3").write_bytes(whole)
    sql(tmp_path, *STATEMENTS[name].split("; "))
    assert without_timing(run(tmp_path, clip)) == expected
    again = run(tmp_path, clip)
    assert without_timing(again) == expected
    assert again.timing.from_cache


@pytest.mark.parametrize(
    "record",
    ["[]", "{}", "null", "[" * 5000 + "]" * 5000, '{"windows": [["1/0", "2"]]}',
     '{"windows": [], "info": {}, "notices": 3}', '{"windows": [[1]], "info": []}'],
)  # fmt: skip
def test_a_record_of_another_vidtag_is_not_taken(tmp_path, clip, whole, expected, record):
    (tmp_path / "scores.sqlite3").write_bytes(whole)
    [[key]] = sql(tmp_path, "SELECT key FROM runs")
    checksum = _digest(str(key), record)
    sql(tmp_path, f"UPDATE runs SET record = '{record}', checksum = {blob(checksum)}")
    assert without_timing(run(tmp_path, clip)) == expected
    assert run(tmp_path, clip).timing.from_cache


def pages(content: bytes) -> Iterator[range]:
    size = int.from_bytes(content[16:18], "big")
    for start in range(size, len(content), size):
        yield range(start, start + size)


@pytest.mark.slow
def test_a_damaged_page_behind_a_good_header_is_repaired(tmp_path, clip, whole, expected):
    for n, page in enumerate(pages(whole)):
        for fill in (b"\0", b"\xff"):
            folder = tmp_path / f"{n} {fill.hex()}"
            folder.mkdir()
            damaged = whole[: page.start] + fill * len(page) + whole[page.stop :]
            (folder / "scores.sqlite3").write_bytes(damaged)
            assert without_timing(run(folder, clip)) == expected
            run(folder, clip)
            assert run(folder, clip).timing.from_cache


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "text": lambda whole: b"no database " * 1000,
    "cut off": lambda whole: whole[: len(whole) // 2],
    "cut off in a page": lambda whole: whole[:5000],
    "header": lambda whole: b"\0" * 100 + whole[100:],
    "size of a page": lambda whole: whole[:16] + b"\x03\x07" + whole[18:],
    "format of a later SQLite": lambda whole: whole[:18] + b"\x09\x09" + whole[20:],
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("beside", ["", "-wal", "-shm"])
def test_a_damaged_file_is_replaced(tmp_path, clip, whole, expected, damage, beside):
    (tmp_path / "scores.sqlite3").write_bytes(damage(whole))
    if beside:
        (tmp_path / f"scores.sqlite3{beside}").write_bytes(b"\x37\x7f\x06\x82" + b"junk" * 3000)
    assert without_timing(run(tmp_path, clip)) == expected
    run(tmp_path, clip)
    again = run(tmp_path, clip)
    assert without_timing(again) == expected
    assert again.timing.from_cache


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_never_change_a_result(tmp_path, clip, whole, expected, seed):
    rng = random.Random(seed)
    damaged = bytearray(whole)
    for _ in range(rng.choice([1, 2, 8, 64, 512])):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    (tmp_path / "scores.sqlite3").write_bytes(damaged)
    for _ in range(3):
        assert without_timing(run(tmp_path, clip)) == expected


OTHER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
for statement in sys.argv[2:]:
    db.execute(statement).fetchall()
print("ready", flush=True)
sys.stdin.read()
print(db.execute("SELECT count(*) FROM runs").fetchone()[0])
db.close()
"""


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that has the database open until its stdin ends."""
    started: list[subprocess.Popen[str]] = []

    def start(*statements: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(tmp_path / "scores.sqlite3"), *statements],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_lock_is_no_damage(tmp_path, clip, whole, expected, other_process):
    path = tmp_path / "scores.sqlite3"
    path.write_bytes(whole)
    for lock in ("BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"):
        other = other_process(lock)
        inode = path.stat().st_ino
        assert without_timing(run(tmp_path, clip)) == expected
        assert path.stat().st_ino == inode
        assert other.communicate("") == ("1\n", None)
    assert run(tmp_path, clip).timing.from_cache


def test_what_another_process_has_open_is_not_replaced(
    tmp_path, clip, whole, expected, other_process
):
    path = tmp_path / "scores.sqlite3"
    path.write_bytes(whole)
    other = other_process("SELECT * FROM runs")
    inode = path.stat().st_ino
    with path.open("r+b") as file:  # as another program may
        file.write(b"\0" * 100)
    assert without_timing(run(tmp_path, clip)) == expected
    assert path.stat().st_ino == inode
    with ScoreStore(tmp_path) as store:
        store.clear()
    assert path.exists()
    other.kill()
    other.communicate()
    for _ in range(2):
        assert without_timing(run(tmp_path, clip)) == expected
    assert run(tmp_path, clip).timing.from_cache


def test_clearing_leaves_another_process_its_database(tmp_path, clip, whole, other_process):
    path = tmp_path / "scores.sqlite3"
    path.write_bytes(whole)
    other = other_process("SELECT * FROM runs")
    inode = path.stat().st_ino
    with ScoreStore(tmp_path) as store:
        store.clear()
        assert store.size().num_runs == 0
    assert path.stat().st_ino == inode
    assert other.communicate("") == ("0\n", None)


def test_a_later_version_is_left_alone(tmp_path, clip, whole, expected):
    path = tmp_path / "scores.sqlite3"
    path.write_bytes(whole)
    sql(tmp_path, "PRAGMA user_version = 1000", "DELETE FROM windows")
    assert without_timing(run(tmp_path, clip)) == expected
    assert sql(tmp_path, "SELECT count(*) FROM windows") == [(0,)]
    assert sql(tmp_path, "PRAGMA user_version") == [(1000,)]


def test_rows_without_checksums_are_forgotten(tmp_path, clip, expected):
    """As vidtag wrote them before there were any."""
    old = (
        "CREATE TABLE files (identity TEXT PRIMARY KEY, content_id TEXT NOT NULL)",
        "CREATE TABLE runs (key TEXT PRIMARY KEY, used_at REAL NOT NULL, "
        "num_bytes INTEGER NOT NULL, record TEXT)",
        "CREATE TABLE windows (key TEXT NOT NULL, window INTEGER NOT NULL, "
        "logits BLOB NOT NULL, PRIMARY KEY (key, window)) WITHOUT ROWID",
        "INSERT INTO windows VALUES ('key', 0, x'00')",
    )
    sql(tmp_path, *old)
    assert without_timing(run(tmp_path, clip)) == expected
    assert run(tmp_path, clip).timing.from_cache
    assert sql(tmp_path, "SELECT count(*) FROM windows WHERE key = 'key'") == [(0,)]


@pytest.mark.parametrize("name", ["scores.sqlite3", "scores.sqlite3-wal"])
def test_a_folder_in_its_place_is_no_damage(tmp_path, clip, expected, name):
    (tmp_path / name / "precious").mkdir(parents=True)
    assert without_timing(run(tmp_path, clip)) == expected
    assert (tmp_path / name / "precious").is_dir()


WRITER = """
import sys, pathlib
import numpy as np
from vidtag.cache.scores import ScoreStore
number = int(sys.argv[2])
with ScoreStore(pathlib.Path(sys.argv[1])) as store:
    for n in range(20):
        for key in ("shared", f"own {number}"):
            store.save(key, n, np.full((1, 3), n, np.float32), made_from=b"x")
            store.finish(key, "record")
"""


@pytest.mark.slow
def test_several_processes_share_one_database(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(n)]) for n in range(6)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 6
    with ScoreStore(tmp_path) as store:
        for key in ("shared", *(f"own {n}" for n in range(6))):
            rows = store.rows(key, first=0, count=20, row_size=3)
            assert rows is not None
            assert [row.values[0] for row in rows] == list(range(20))
            assert store.record(key) == "record"
