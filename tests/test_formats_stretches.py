"""What holds at each moment, and subtitles and chapters read back by players' libraries."""

import html
import io
import json
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pysubs2
import pytest
import webvtt
from documents import HOSTILE_LABELS, make_document, make_documents, make_empty

from vidtag.documents.records import Document, SegmentRecord
from vidtag.documents.stretches import list_gaps, list_stretches
from vidtag.formats import get_format
from vidtag.text import one_line

DOCUMENTS = make_documents()

NORMAL = [
    (0, 2000, ["juggling balls"]),
    (2000, 3000, ["juggling balls", "riding a bike"]),
    (3000, 4000, []),
    (4000, 6000, ["riding a bike"]),
    (6000, 7000, []),
    (7000, 7700, ["jumping jacks"]),
]

Cue = tuple[int, int, str]


def _holding(document: Document) -> list[tuple[int, int, list[str]]]:
    return [
        (one.start_ms, one.end_ms, [one_line(s.label, s.index) for s in one.segments])
        for one in list_stretches(document)
    ]


def _shown(document: Document) -> list[Cue]:
    """List the segments that last: what every format has to tell."""
    cues = [
        (round(s.start_seconds * 1000), round(s.end_seconds * 1000), one_line(s.label, s.index))
        for s in document.segments
    ]
    return [cue for cue in cues if cue[0] < cue[1]]


def test_the_tagged_part_is_cut_at_the_boundaries_of_segments() -> None:
    assert _holding(make_document()) == NORMAL
    gaps = [(one.start_ms, one.end_ms) for one in list_gaps(make_document())]
    assert gaps == [(3000, 4000), (6000, 7000)]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_stretches_tile_the_tagged_part_and_have_no_other_boundaries(kind: str) -> None:
    document = DOCUMENTS[kind]
    stretches = list_stretches(document)
    assert all(one.start_ms < one.end_ms for one in stretches)
    assert all(left.end_ms == right.start_ms for left, right in pairwise(stretches))
    start, end = document.sampling.start_seconds, document.sampling.end_seconds
    assert stretches[0].start_ms == round(start * 1000)
    assert stretches[-1].end_ms == round(end * 1000)
    edges = {edge for one in stretches for edge in (one.start_ms, one.end_ms)}
    told = {edge for cue in _shown(document) for edge in cue[:2]}
    assert edges == told | {round(start * 1000), round(end * 1000)}
    lengths: dict[SegmentRecord, int] = {}
    for one in stretches:
        for segment in one.segments:
            lengths[segment] = lengths.get(segment, 0) + one.end_ms - one.start_ms
    assert lengths == {
        segment: round(segment.end_seconds * 1000) - round(segment.start_seconds * 1000)
        for segment in document.segments
    }


def test_a_segment_without_a_length_is_left_out() -> None:
    document = make_document(rows=[((0, 0.9),), ((1, 0.9),)], duration=1.0)
    assert _holding(document) == [(0, 1000, ["clapping"])]
    assert get_format("srt").write([document]).count("-->") == 1


def test_a_step_without_tags_shows_nothing() -> None:
    document = make_document(rows=[((0, 0.9),), ()])
    assert _holding(document)[-1] == (1000, 1700, [])


def test_cues_of_labels_that_hold_at_the_same_time_overlap() -> None:
    assert (
        get_format("srt")
        .write([make_document()])
        .startswith(
            "1\n00:00:00,000 --> 00:00:03,000\njuggling balls\n\n"
            "2\n00:00:02,000 --> 00:00:03,000\nriding a bike\n\n"
            "3\n00:00:04,000 --> 00:00:06,000\nriding a bike\n"
        )
    )


# SubRip and WebVTT


def _lookalike(label: str) -> str:
    return label.translate(str.maketrans("<>{}\\", "\u2039\u203a()\u2216"))


def _read_packets(text: str, name: str) -> Iterator[tuple[int, int, bytes]]:
    """Read subtitles as FFmpeg and the players on top of it do."""
    with av.open(io.BytesIO(text.encode()), format=name) as container:
        for packet in container.demux(container.streams[0]):
            if packet.pts is not None and packet.duration is not None:
                yield packet.pts, packet.pts + packet.duration, bytes(packet)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_pysubs2_reads_every_cue_of_srt(kind: str) -> None:
    document = DOCUMENTS[kind]
    cues = pysubs2.SSAFile.from_string(get_format("srt").write([document]), format_="srt")
    wanted = _shown(document)
    assert [(cue.start, cue.end) for cue in cues] == [(start, end) for start, end, _ in wanted]
    assert [cue.plaintext for cue in cues] == [_lookalike(label) for _, _, label in wanted]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_ffmpeg_reads_every_cue_of_srt(kind: str) -> None:
    document = DOCUMENTS[kind]
    text = get_format("srt").write([document])
    wanted = [(start, end, _lookalike(label).encode()) for start, end, label in _shown(document)]
    assert (list(_read_packets(text, "srt")) if wanted else []) == wanted


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_srt_keeps_the_rules_of_its_format(kind: str) -> None:
    text = get_format("srt").write([DOCUMENTS[kind]])
    blocks = text.removesuffix("\n").split("\n\n") if text else []
    for number, block in enumerate(blocks, start=1):
        count, times, label = block.split("\n")
        assert count == str(number)
        assert times.count(" --> ") == 1
        assert label.strip()
        assert not set(label) & set("<>{}\\")


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_webvtt_reads_every_cue_of_vtt(kind: str) -> None:
    document = DOCUMENTS[kind]
    captions = webvtt.from_string(get_format("vtt").write([document]))
    read = [(_millis(c.start), _millis(c.end), html.unescape(c.raw_text)) for c in captions]
    assert read == _shown(document)


def _millis(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_ffmpeg_reads_every_cue_of_vtt(kind: str) -> None:
    document = DOCUMENTS[kind]
    wanted = _shown(document)
    packets = list(_read_packets(get_format("vtt").write([document]), "webvtt"))
    assert [(s, e, html.unescape(text.decode())) for s, e, text in packets] == wanted


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_vtt_keeps_the_rules_of_its_format(kind: str) -> None:
    text = get_format("vtt").write([DOCUMENTS[kind]])
    head, *blocks = text.removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    for block in blocks:
        times, label = block.split("\n")
        assert times.count(" --> ") == 1
        assert label.strip()
        assert "<" not in label
        assert "-->" not in label
        assert html.escape(html.unescape(label), quote=False) == label


@pytest.mark.slow
@pytest.mark.tool("ffmpeg", "ffprobe")
@pytest.mark.parametrize("name", ["srt", "vtt"])
@pytest.mark.parametrize("kind", ["normal", "part", "hostile 4"])
def test_subtitles_muxed_into_a_file_are_found_by_ffprobe(
    tmp_path: Path, kind: str, name: str
) -> None:
    document = DOCUMENTS[kind]
    subtitles, out = tmp_path / f"clip.{name}", tmp_path / "clip.mkv"
    subtitles.write_text(get_format(name).write([document]), encoding="utf-8")
    subprocess.run(["ffmpeg", "-v", "error", "-i", subtitles, "-c", "copy", out], check=True)
    ffprobe = ["ffprobe", "-v", "error", "-show_packets", "-of", "json", out]
    done = subprocess.run(ffprobe, check=True, capture_output=True)
    found = [
        (round(float(packet["pts_time"]) * 1000), round(float(packet["duration_time"]) * 1000))
        for packet in json.loads(done.stdout)["packets"]
    ]
    assert found == [(start, end - start) for start, end, _ in _shown(document)]


def test_subtitles_of_a_video_without_an_action_have_no_cue() -> None:
    assert get_format("srt").write([make_empty()]) == ""
    assert get_format("vtt").write([make_empty()]) == "WEBVTT\n"


def test_subtitles_as_text() -> None:
    document = make_document(rows=[((2, 0.9),)], start=3599.5)
    assert get_format("srt").write([document]) == (
        "1\n00:59:59,500 --> 01:00:00,200\njuggling balls\n"
    )
    assert get_format("vtt").write([document]) == (
        "WEBVTT\n\n00:59:59.500 --> 01:00:00.200\njuggling balls\n"
    )
    days = make_document(rows=[((2, 0.9),)], start=360_000.0)
    assert "\n100:00:00,000 --> 100:00:00,700\n" in get_format("srt").write([days])


# Chapters


def _wanted_chapters(document: Document) -> list[tuple[int, int, str]]:
    return [(start, end, " + ".join(labels)) for start, end, labels in _holding(document) if labels]


def _as_in_mp4(chapters: list[Cue]) -> list[Cue]:
    """Fill the gaps as MP4 does, which knows none."""
    ends = [start for start, _, _ in chapters[1:]] + [chapters[-1][1]]
    starts = [0, *(start for start, _, _ in chapters[1:])]
    return [
        (start, end, title)
        for start, end, (_, _, title) in zip(starts, ends, chapters, strict=True)
    ]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_ffmpeg_reads_every_chapter(kind: str) -> None:
    document = DOCUMENTS[kind]
    text = get_format("chapters").write([document])
    with av.open(io.BytesIO(text.encode()), format="ffmetadata") as container:
        chapters = container.chapters()
        assert dict(container.metadata) == {}
    assert all(one["time_base"] == Fraction(1, 1000) for one in chapters)
    assert [
        (one["start"], one["end"], one["metadata"]["title"]) for one in chapters
    ] == _wanted_chapters(document)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_chapters_never_overlap_and_leave_out_where_nothing_holds(kind: str) -> None:
    document = DOCUMENTS[kind]
    chapters = _wanted_chapters(document)
    assert all(left[1] <= right[0] for left, right in pairwise(chapters))
    text = get_format("chapters").write([document])
    assert text.startswith(";FFMETADATA1\n")
    assert text.count("[CHAPTER]\nTIMEBASE=1/1000\nSTART=") == len(chapters)


def test_chapters_of_a_video_without_an_action_are_none() -> None:
    assert get_format("chapters").write([make_empty()]) == ";FFMETADATA1\n"


def test_chapters_as_text() -> None:
    document = make_document(
        rows=[((2, 0.6), (0, 0.4)), ((1, 0.2),)],
        labels=("run", "", r"a=b; \#1"),
        start=2.0,
        rest=1.0,
    )
    assert get_format("chapters").write([document]) == (
        ";FFMETADATA1\n"
        "\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=3000\ntitle=a\\=b\\; \\\\\\#1 + run\n"
    )


def _make_video(path: Path, seconds: int) -> None:
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        picture = np.zeros((64, 64, 3), np.uint8)
        for _ in range(seconds * 10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.mark.tool("ffmpeg", "ffprobe")
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_chapters_muxed_into_a_file_are_found_by_ffprobe(tmp_path: Path, suffix: str) -> None:
    document = make_document(
        rows=[((k, 0.9),) for k in range(len(HOSTILE_LABELS))],
        labels=HOSTILE_LABELS,
        start=1.0,
        rest=2.3,
    )
    video, chapters = tmp_path / f"clip.{suffix}", tmp_path / "clip.ffmeta"
    _make_video(video, 10)
    chapters.write_text(get_format("chapters").write([document]), encoding="utf-8")
    out = tmp_path / f"out.{suffix}"
    ffmpeg = ["ffmpeg", "-v", "error", "-i", video, "-i", chapters]
    ffmpeg += ["-map", "0", "-map_chapters", "1", "-c", "copy", out]
    subprocess.run(ffmpeg, check=True)
    ffprobe = ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", out]
    done = subprocess.run(ffprobe, check=True, capture_output=True)
    found = [
        (round(float(c["start_time"]) * 1000), round(float(c["end_time"]) * 1000))
        for c in json.loads(done.stdout)["chapters"]
    ]
    wanted = _wanted_chapters(document)
    wanted = wanted if suffix == "mkv" else _as_in_mp4(wanted)
    assert found == [(start, end) for start, end, _ in wanted]
    titles = [c["tags"]["title"] for c in json.loads(done.stdout)["chapters"]]
    assert titles == [title for _, _, title in wanted]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_chapters_muxed_into_a_file_keep_their_times(tmp_path: Path, suffix: str) -> None:
    document = make_document(start=1.0, rest=1.3)
    path = tmp_path / f"clip.{suffix}"
    text = get_format("chapters").write([document])
    with av.open(io.BytesIO(text.encode()), format="ffmetadata") as container:
        chapters = container.chapters()
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.set_chapters(chapters)
        picture = np.zeros((64, 64, 3), np.uint8)
        for _ in range(100):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(path) as container:
        found = [
            (
                round(one["start"] * one["time_base"] * 1000),
                round(one["end"] * one["time_base"] * 1000),
                one["metadata"]["title"],
            )
            for one in container.chapters()
        ]
    wanted = _wanted_chapters(document)
    assert found == (wanted if suffix == "mkv" else _as_in_mp4(wanted))
