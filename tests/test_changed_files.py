"""Files that change while they are read: their scores are never found again."""

import dataclasses
import mmap
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from fake_classifier import FakeClassifier
from make_video import draw_index, make_video

from vidtag import ScoreStore, Tagger
from vidtag.cache import contents
from vidtag.documents.records import Document

NUM_FRAMES = 350
BATCH_SIZE = 2


def make_raw_video(path: Path, first_index: int) -> bytes:
    """Write a video all of whose frames take the same room, so that it can change in place."""
    parts = [b"YUV4MPEG2 W80 H60 F25:1 Ip A1:1 C420jpeg\n"]
    for index in range(first_index, first_index + NUM_FRAMES):
        grey = draw_index(index, (80, 60)).mean(axis=2).astype(np.uint8)
        parts.append(b"FRAME\n" + grey.tobytes() + bytes([128]) * (80 * 60 // 2))
    path.write_bytes(b"".join(parts))
    return path.read_bytes()


@pytest.fixture(scope="module")
def contents_a_and_b(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contents")
    return make_raw_video(folder / "a.y4m", 0), make_raw_video(folder / "b.y4m", 100)


class Changing(FakeClassifier):
    """Lets the file change while its windows are scored."""

    def __init__(self, change, *, at_batch: int = 1, stop_at_batch: int | None = None):
        super().__init__(batch_size=BATCH_SIZE)
        self.change = change
        self.at_batch = at_batch
        self.stop_at_batch = stop_at_batch
        self.num_batches = 0

    def logits(self, clips):
        self.num_batches += 1
        if self.num_batches == self.at_batch:
            self.change()
        if self.num_batches == self.stop_at_batch:
            raise KeyboardInterrupt
        return super().logits(clips)


def in_place(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)


def by_rename(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def with_old_times(path: Path, content: bytes) -> None:
    before = path.stat()
    in_place(path, content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def through_a_map(path: Path, content: bytes) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), len(content)) as mapped:
        mapped[:] = content


def without_timing(document: Document) -> Document:
    return dataclasses.replace(document, timing=None)


def num_wrong(document: Document, expected: Document) -> int:
    pairs = zip(document.timeline, expected.timeline, strict=True)
    return sum(one != other for one, other in pairs)


def tag(path: Path, store: ScoreStore | None, classifier: FakeClassifier | None = None) -> Document:
    return Tagger(classifier or FakeClassifier(batch_size=BATCH_SIZE), store=store).tag(path)


@pytest.fixture
def store(tmp_path):
    with ScoreStore(tmp_path / "cache") as store:
        yield store


def hide_times(monkeypatch) -> None:
    """Let no time show a change, as on a tmpfs that is written through a map."""
    same = contents.Identity(device=1, inode=1, size=1, mtime_ns=0, ctime_ns=0)
    for module in ("vidtag.cache.contents", "vidtag.cache.scores"):
        monkeypatch.setattr(f"{module}.identify", lambda path: same)


def make_way(way: str, monkeypatch) -> None:
    if "large" in way:
        monkeypatch.setattr("vidtag.tagging.recall.HASHED_FIRST_BYTES", -1)
    if "settled" in way:
        monkeypatch.setattr(contents, "SETTLED_NS", -1)
        monkeypatch.setattr(contents, "REHASHED_BYTES", -1)
    if "hidden" in way:
        hide_times(monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "change", "is_stopped"),
    [
        ("small", in_place, False),
        ("small", by_rename, False),
        ("small", with_old_times, True),
        ("small", through_a_map, True),
        ("large", in_place, True),
        ("large", through_a_map, False),
        ("large and settled", in_place, True),
        ("large and settled", with_old_times, False),
        ("hidden times", in_place, False),
        ("hidden times", in_place, True),
    ],
)
def test_scores_of_a_changed_file_are_never_found_again(
    tmp_path, store, contents_a_and_b, monkeypatch, way, change, is_stopped
):
    make_way(way, monkeypatch)
    a, b = contents_a_and_b
    path = tmp_path / "clip.y4m"
    path.write_bytes(b)
    expected = {}
    for content in (b, a):
        in_place(path, content)
        expected[content] = tag(path, None)

    classifier = Changing(lambda: change(path, b), stop_at_batch=7 if is_stopped else None)
    if is_stopped:
        with pytest.raises(KeyboardInterrupt):
            tag(path, store, classifier)
    else:
        changed = tag(path, store, classifier)
        # What is open stays the old file where another takes its place.
        assert (num_wrong(changed, expected[a]) > 0) == (change is not by_rename)
        assert changed.video.content_id is None
        assert [warning.code for warning in changed.warnings] == ["file_changed"]
    monkeypatch.undo()
    for content in (a, b):
        in_place(path, content)
        for _ in range(2):
            again = tag(path, store)
            assert num_wrong(again, expected[content]) == 0
            assert without_timing(again) == without_timing(expected[content])


@pytest.mark.parametrize("change", [in_place, with_old_times])
def test_the_old_content_coming_back_in_time_does_not_hide_it(
    tmp_path, store, contents_a_and_b, change
):
    a, b = contents_a_and_b
    path = tmp_path / "clip.y4m"
    path.write_bytes(a)
    expected = tag(path, None)

    class Twice(Changing):
        def logits(self, clips):
            if self.num_batches == 6:
                change(path, a)
            return super().logits(clips)

    changed = tag(path, store, Twice(lambda: change(path, b)))
    assert num_wrong(changed, expected) > 0
    assert changed.video.content_id is None
    assert num_wrong(tag(path, store), expected) == 0


def test_a_stopped_run_keeps_what_it_scored_before_the_change(tmp_path, store, contents_a_and_b):
    a, b = contents_a_and_b
    path = tmp_path / "clip.y4m"
    path.write_bytes(a)
    stopping = Changing(lambda: in_place(path, b), at_batch=4, stop_at_batch=6)
    with pytest.raises(KeyboardInterrupt):
        tag(path, store, stopping)
    in_place(path, a)
    resuming = FakeClassifier(batch_size=BATCH_SIZE)
    resumed = tag(path, store, resuming)
    assert without_timing(resumed) == without_timing(tag(path, None))
    assert len(resuming.clips) == resumed.sampling.num_windows - 3 * BATCH_SIZE


def test_a_file_that_was_just_written_is_stored_too(tmp_path, store, contents_a_and_b):
    path = tmp_path / "clip.y4m"
    path.write_bytes(contents_a_and_b[0])
    first = tag(path, store)
    assert first.video.content_id == contents.hash_file(str(path))
    assert tag(path, store).timing.from_cache


def test_a_file_that_vanishes_while_it_is_read(tmp_path, store, contents_a_and_b):
    path = tmp_path / "clip.y4m"
    path.write_bytes(contents_a_and_b[0])
    copy = shutil.copy(path, tmp_path / "copy.y4m")
    document = tag(path, store, Changing(path.unlink))
    assert [warning.code for warning in document.warnings] == ["file_changed"]
    assert not tag(Path(copy), store).timing.from_cache


def test_times_prove_nothing_soon_after_a_change(tmp_path, monkeypatch):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"one")
    content_id = contents.hash_file(str(path))
    monkeypatch.setattr(contents, "REHASHED_BYTES", -1)  # a large file
    for is_settled, settled_ns in [(False, contents.SETTLED_NS), (True, -1)]:
        monkeypatch.setattr(contents, "SETTLED_NS", settled_ns)
        watch = contents.Watch(str(path))
        monkeypatch.setattr(contents, "hash_file", lambda path: "sha256:other")
        assert watch.had_content(content_id) == is_settled


def test_what_is_said_of_a_file_bears_the_name_that_it_has_now(tmp_path, store):
    """Also where it is stored, and was said of another name."""
    cut = make_video(tmp_path / "cut.mkv", num_frames=50, fps=25)
    content = bytearray(cut.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 400):
        content[place] ^= 0x5A
    cut.write_bytes(content)
    first = tag(cut, store)
    assert any(str(cut) in warning.message for warning in first.warnings)
    moved = cut.rename(tmp_path / "it's moved.mkv")
    stored = tag(moved, store)
    assert stored.timing.from_cache
    assert stored.warnings == tag(moved, None).warnings
