"""What vidtag writes of its segments is read back as labels, to the millisecond or frame."""

import os
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from documents import HOSTILE_PATHS, make_document, make_documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidtag.documents.records import Document
from vidtag.errors import TruthError
from vidtag.formats import get_format
from vidtag.formats.truths.reading import read_truths
from vidtag.formats.truths.truth import TrueSegment
from vidtag.links import has_scheme
from vidtag.text import one_line

FORMATS = {
    "json": Fraction(0),
    "csv": Fraction(0),
    "tsv": Fraction(0),
    "activitynet": Fraction(0),
    "eaf": Fraction(1, 1000),
    "labelstudio": Fraction(1, 25),
}
"""How far a time may move: ELAN takes no segment without a length, Label Studio counts frames."""

DOCUMENTS = {
    kind: document
    for kind, document in make_documents().items()
    if document.segments
    and document.video.path not in ("-", *HOSTILE_PATHS)
    and not document.video.path.startswith("/")
    and not has_scheme(document.video.path)
}


def wanted(document: Document) -> list[tuple[float, float, str]]:
    return sorted(
        (one.start_seconds, one.end_seconds, one_line(one.label, one.index))
        for one in document.segments
    )


def put_video(document: Document, folder: Path) -> None:
    path = folder / document.video.path.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def read_back(name: str, documents: list[Document], folder: Path) -> dict[str, list[TrueSegment]]:
    """Write documents, and read the labels of each video back."""
    path = folder / f"written{get_format(name).suffix}"
    path.write_bytes(get_format(name).to_bytes(documents))
    truths = read_truths(str(path), videos=str(folder))
    return {os.path.relpath(one.path, folder): list(one.segments) for one in truths.videos}


def assert_same(name: str, document: Document, read: list[TrueSegment]) -> None:
    found = sorted((one.start_seconds, one.end_seconds, one.label) for one in read)
    # Labels are compared in the order of time; which is the first of two at once is not.
    by_label = sorted(found, key=lambda one: (one[2], one[0]))
    expected = sorted(set(wanted(document)), key=lambda one: (one[2], one[0]))
    assert [one[2] for one in by_label] == [one[2] for one in expected]
    for have, want in zip(by_label, expected, strict=True):
        for one, other in zip(have[:2], want[:2], strict=True):
            assert abs(one - Fraction(repr(other))) <= FORMATS[name]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_what_is_written_is_read_back(kind: str, name: str, tmp_path: Path) -> None:
    document = DOCUMENTS[kind]
    put_video(document, tmp_path)
    if not wanted(document):
        with pytest.raises(TruthError, match=r"no labelled video|no video with a label"):
            read_back(name, [document], tmp_path)
        return
    [read] = read_back(name, [document], tmp_path).values()
    if name == "activitynet":  # has no index, by which an empty label could be called
        kept = [one for one in document.segments if one.label.strip()]
        document = replace(document, segments=tuple(kept))
    assert_same(name, document, read)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("path", HOSTILE_PATHS)
@pytest.mark.skipif(sys.platform == "win32", reason="such names are for POSIX")
def test_any_name_of_a_file_is_found_again(
    path: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path.startswith("C:") and name in ("eaf", "labelstudio"):
        pytest.skip("both write where it lies on Windows")
    monkeypatch.chdir(tmp_path)
    document = make_document(path)
    put_video(document, tmp_path)
    (tmp_path / "labels").mkdir()
    written = tmp_path / "labels" / f"x{get_format(name).suffix}"
    written.write_text(get_format(name).write([document]), encoding="utf-8", newline="")
    truths = read_truths(str(written))
    [video] = truths.videos
    assert os.path.samefile(video.path, path)
    assert_same(name, document, list(video.segments))


@pytest.mark.parametrize("name", FORMATS)
def test_absolute_paths_are_found_from_anywhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    document = make_document(str(tmp_path / "there" / "a b#1.mp4"))
    Path(document.video.path).touch()
    folder = tmp_path / "there" if name == "activitynet" else tmp_path  # which has no paths
    written = folder / f"x{get_format(name).suffix}"
    written.write_text(get_format(name).write([document]), encoding="utf-8", newline="")
    [video] = read_truths(str(written)).videos
    assert os.path.samefile(video.path, document.video.path)
    assert_same(name, document, list(video.segments))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "eaf"])
def test_several_videos_of_one_file_are_told_apart(name: str, tmp_path: Path) -> None:
    documents = [make_document(f"{k}/clip.mp4", start=float(k)) for k in range(3)]
    for document in documents:
        put_video(document, tmp_path)
    read = read_back(name, documents, tmp_path)
    assert list(read) == ["0/clip.mp4", "1/clip.mp4", "2/clip.mp4"]
    for document, segments in zip(documents, read.values(), strict=True):
        assert_same(name, document, segments)


LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda text: one_line(text, 0) != "#0" and "\\" not in text and not text.startswith("'")
)


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    labels=st.lists(LABELS, min_size=3, max_size=3, unique_by=lambda one: one_line(one, 0)),
    rate=st.sampled_from([12.5, 24.0, 29.97003, 59.94006, 120.0]),
    stride=st.sampled_from([0.25, 0.5, 1.0, 1.001]),
)
def test_any_label_is_read_back(
    name: str, labels: list[str], rate: float, stride: float, tmp_path: Path
) -> None:
    rows = [((k % 3, 0.9),) for k in range(6)]
    document = make_document(
        "a.mp4", rows=rows, labels=labels, frame_rate=rate, stride=stride, rest=1.0
    )
    put_video(document, tmp_path)
    [read] = read_back(name, [document], tmp_path).values()
    if name == "labelstudio":
        half = Fraction(1, 2) / Fraction(repr(rate)) + Fraction(1, 10**6)
        for one, other in zip(read, document.segments, strict=True):
            assert abs(one.start_seconds - Fraction(repr(other.start_seconds))) <= half
            assert abs(one.end_seconds - Fraction(repr(other.end_seconds))) <= half
    assert_same(name, document, read)
