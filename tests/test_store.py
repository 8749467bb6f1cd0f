import os
import sqlite3
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from vidtag.cache import contents
from vidtag.cache.scores import ScoreStore, make_key

LOGITS = np.arange(6, dtype=np.float32).reshape(2, 3) / 7
MADE_FROM = b"pictures"


@pytest.fixture
def store(tmp_path):
    store = ScoreStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def later(monkeypatch):
    """Let every file be one that was changed long ago."""
    now = time.time_ns
    monkeypatch.setattr(
        "vidtag.cache.contents.time.time_ns", lambda: now() + 2 * contents.SETTLED_NS
    )


def old_file(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    os.utime(path, (1, 1))
    return str(path)


def save(store: ScoreStore, key: str, first: int, logits: np.ndarray = LOGITS) -> None:
    store.save(key, first, logits, made_from=MADE_FROM)


def stored(store: ScoreStore, key: str, count: int, first: int = 0, num_labels: int = 3):
    rows = store.rows(key, first=first, count=count, row_size=num_labels)
    if rows is None:
        return None
    assert all(row.made_from == MADE_FROM for row in rows)
    return [row.values.tolist() for row in rows]


def test_logits_come_back_to_the_last_bit(store, tmp_path):
    save(store, "key", 0)
    save(store, "key", 2, LOGITS[:1])
    again = ScoreStore(tmp_path)
    assert stored(again, "key", 3) == [*LOGITS.tolist(), LOGITS[0].tolist()]
    assert stored(again, "key", 1, first=2) == [LOGITS[0].tolist()]
    assert stored(again, "key", 4) is None
    assert stored(again, "other", 1) is None
    assert stored(again, "key", 3, num_labels=4) is None
    assert again.record("key") is None
    store.finish("key", "done")
    assert again.record("key") == "done"
    again.close()


def test_a_changed_file_has_another_hash(store, tmp_path, later):
    path = old_file(tmp_path / "clip.mp4", b"one")
    first = store.content_id(path)
    assert first is not None
    assert first.startswith(
        "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    )
    old_file(tmp_path / "clip.mp4", b"two")  # the same size and modification time
    assert store.content_id(path) != first


def test_a_hash_is_remembered(store, tmp_path, later, monkeypatch):
    path = old_file(tmp_path / "clip.mp4", b"one")
    first = store.content_id(path)
    monkeypatch.setattr("hashlib.file_digest", None)
    assert store.content_id(path) == first


def test_a_file_that_just_changed_is_hashed_again(store, tmp_path, monkeypatch):
    # Also where its time of modification is an old one: that can be set.
    path = old_file(tmp_path / "clip.mp4", b"one")
    store.content_id(path)
    monkeypatch.setattr("hashlib.file_digest", None)
    with pytest.raises(TypeError):
        store.content_id(path)


def test_a_missing_file_has_no_hash(store, tmp_path):
    assert store.content_id(str(tmp_path / "none")) is None


def test_keys_differ_by_all_that_shapes_scores():
    assert make_key("a", {"model": "x"}) != make_key("a", {"model": "y"})
    assert make_key("a", {"model": "x"}) != make_key("b", {"model": "x"})
    assert make_key("a", {"m": "x", "n": "y"}) == make_key("a", {"n": "y", "m": "x"})


def test_the_oldest_go_first(store, monkeypatch):
    for key in ("first", "second", "third"):
        save(store, key, 0, np.zeros((1000, 200), np.float32))
        store.finish(key, key)
    store.note_use("first")
    monkeypatch.setenv("VIDTAG_CACHE_LIMIT_MB", "2")
    save(store, "fourth", 0, np.zeros((1, 200), np.float32))
    store.finish("fourth", "fourth")
    kept = [key for key in ("first", "second", "third", "fourth") if store.record(key)]
    assert kept == ["first", "third", "fourth"]


def test_a_damaged_file_is_replaced(tmp_path):
    (tmp_path / "scores.sqlite3").write_bytes(b"no database " * 1000)
    store = ScoreStore(tmp_path)
    save(store, "key", 0)
    assert stored(store, "key", 2) == LOGITS.tolist()
    store.close()


def test_a_folder_that_cannot_be_written_costs_nothing_but_speed(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = ScoreStore(tmp_path / "file")
    save(store, "key", 0)
    store.finish("key", "done")
    assert stored(store, "key", 2) is None
    assert store.record("key") is None


def test_a_disk_that_fills_costs_nothing_but_speed(store):
    save(store, "key", 0)
    store._database.connect().execute("PRAGMA max_page_count = 10")
    save(store, "key", 2, np.zeros((2000, 400), np.float32))
    store.finish("key", "done")
    assert store.record("key") is None
    assert stored(store, "key", 2) == LOGITS.tolist()


def test_two_threads_and_two_processes_share_it(tmp_path):
    stores = [ScoreStore(tmp_path) for _ in range(4)]

    def work(n: int) -> None:
        for k in range(20):
            save(stores[n], f"key{n}", k, LOGITS[:1])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(stored(stores[0], f"key{n}", 20) for n in range(4))
    for store in stores:
        store.close()


def test_clear_removes_everything(store):
    save(store, "key", 0)
    assert store.size().num_runs == 1
    store.clear()
    assert (store.size().num_runs, stored(store, "key", 2)) == (0, None)


def test_it_is_plain_sqlite(store):
    save(store, "key", 0)
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM windows").fetchone() == (2,)
    db.close()
