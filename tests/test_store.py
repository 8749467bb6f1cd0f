import os
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from vidtag.store import ScoreStore, make_key

LOGITS = np.arange(6, dtype=np.float32).reshape(2, 3) / 7


@pytest.fixture
def store(tmp_path):
    store = ScoreStore(tmp_path)
    yield store
    store.close()


def old_file(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    os.utime(path, (1, 1))
    return str(path)


def test_logits_come_back_to_the_last_bit(store, tmp_path):
    store.save("key", 0, LOGITS)
    store.save("key", 2, LOGITS[:1])
    again = ScoreStore(tmp_path)
    assert {n: row.tolist() for n, row in again.logits("key").items()} == {
        0: LOGITS[0].tolist(),
        1: LOGITS[1].tolist(),
        2: LOGITS[0].tolist(),
    }
    assert again.record("key") is None
    store.finish("key", "done")
    assert again.record("key") == "done"
    again.close()


def test_a_changed_file_has_another_hash(store, tmp_path):
    path = old_file(tmp_path / "clip.mp4", b"one")
    first = store.content_id(path)
    assert first is not None
    assert first.startswith(
        "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    )
    old_file(tmp_path / "clip.mp4", b"two")  # the same size and modification time
    assert store.content_id(path) != first


def test_a_hash_is_remembered(store, tmp_path, monkeypatch):
    path = old_file(tmp_path / "clip.mp4", b"one")
    first = store.content_id(path)
    monkeypatch.setattr("hashlib.file_digest", None)
    assert store.content_id(path) == first


def test_a_file_that_just_changed_is_hashed_again(store, tmp_path, monkeypatch):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"one")
    store.content_id(str(path))
    monkeypatch.setattr("hashlib.file_digest", None)
    with pytest.raises(TypeError):
        store.content_id(str(path))


def test_a_missing_file_has_no_hash(store, tmp_path):
    assert store.content_id(str(tmp_path / "none")) is None


def test_keys_differ_by_all_that_shapes_scores():
    assert make_key("a", {"model": "x"}) != make_key("a", {"model": "y"})
    assert make_key("a", {"model": "x"}) != make_key("b", {"model": "x"})
    assert make_key("a", {"m": "x", "n": "y"}) == make_key("a", {"n": "y", "m": "x"})


def test_the_oldest_go_first(store, monkeypatch):
    for key in ("first", "second", "third"):
        store.save(key, 0, np.zeros((1000, 200), np.float32))
        store.finish(key, key)
    store.logits("first")
    monkeypatch.setenv("VIDTAG_CACHE_LIMIT_MB", "2")
    store.save("fourth", 0, np.zeros((1, 200), np.float32))
    store.finish("fourth", "fourth")
    kept = [key for key in ("first", "second", "third", "fourth") if store.record(key)]
    assert kept == ["first", "third", "fourth"]


def test_a_damaged_file_is_replaced(tmp_path):
    (tmp_path / "scores.sqlite3").write_bytes(b"no database " * 1000)
    store = ScoreStore(tmp_path)
    store.save("key", 0, LOGITS)
    assert len(store.logits("key")) == 2
    store.close()


def test_a_folder_that_cannot_be_written_costs_nothing_but_speed(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = ScoreStore(tmp_path / "file")
    store.save("key", 0, LOGITS)
    store.finish("key", "done")
    assert store.logits("key") == {}
    assert store.record("key") is None


def test_a_disk_that_fills_costs_nothing_but_speed(store):
    store.save("key", 0, LOGITS)
    db = store._connect()
    assert db is not None
    db.execute("PRAGMA max_page_count = 10")
    store.save("key", 2, np.zeros((2000, 400), np.float32))
    store.finish("key", "done")
    assert store.record("key") is None


def test_two_threads_and_two_processes_share_it(tmp_path):
    stores = [ScoreStore(tmp_path) for _ in range(4)]

    def work(n: int) -> None:
        for k in range(20):
            stores[n].save(f"key{n}", k, LOGITS[:1])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(stores[0].logits(f"key{n}")) == 20 for n in range(4))
    for store in stores:
        store.close()


def test_clear_removes_everything(store):
    store.save("key", 0, LOGITS)
    assert store.size().num_runs == 1
    store.clear()
    assert (store.size().num_runs, store.logits("key")) == (0, {})


def test_it_is_plain_sqlite(store):
    store.save("key", 0, LOGITS)
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM windows").fetchone() == (2,)
    db.close()
