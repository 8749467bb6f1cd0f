"""What a player shows at each moment: subtitles and chapters, read back by players' libraries."""

import html
import io
import json
import subprocess
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pysubs2
import pytest
import webvtt
from documents import HOSTILE_LABELS, make_document, make_documents, make_empty

from vidtag.formats import get_format
from vidtag.formats.chapters import NOT_TAGGED
from vidtag.formats.running import NO_CLEAR_ACTION, Stretch, list_stretches
from vidtag.results import Document

DOCUMENTS = make_documents()

NORMAL = [
    (0, 3000, "juggling balls"),
    (3000, 4000, None),
    (4000, 6000, "riding a bike"),
    (6000, 7000, None),
    (7000, 7700, "jumping jacks"),
]

Cue = tuple[int, int, str]


def _triples(stretches: Sequence[Stretch]) -> list[tuple[int, int, str | None]]:
    return [(one.start_ms, one.end_ms, one.label) for one in stretches]


def _shown(document: Document) -> list[Cue]:
    return [
        (one.start_ms, one.end_ms, one.label)
        for one in list_stretches(document)
        if one.label is not None
    ]


def test_steps_with_the_same_top_label_are_one_stretch() -> None:
    assert _triples(list_stretches(make_document())) == NORMAL


def test_a_label_below_the_score_is_not_shown_and_one_that_reaches_it_is() -> None:
    document = make_document(rows=[((0, 0.3),), ((0, 0.299999),), ((0, 0.3),)], min_score=0.3)
    assert [label for _, _, label in _triples(list_stretches(document))] == [
        "clapping",
        None,
        "clapping",
    ]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_stretches_tile_the_timeline(kind: str) -> None:
    document = DOCUMENTS[kind]
    stretches = list_stretches(document)
    assert all(one.start_ms < one.end_ms for one in stretches)
    assert all(left.end_ms == right.start_ms for left, right in pairwise(stretches))
    assert all(left.label != right.label for left, right in pairwise(stretches))
    if document.timeline:
        assert stretches[0].start_ms == round(document.timeline[0].start_seconds * 1000)
        assert stretches[-1].end_ms == round(document.timeline[-1].end_seconds * 1000)
    else:
        assert stretches == ()


def test_a_last_step_without_a_length_is_left_out() -> None:
    document = make_document(rows=[((0, 0.9),), ((1, 0.9),)], duration=1.0)
    assert _triples(list_stretches(document)) == [(0, 1000, "clapping")]


def test_a_step_without_tags_shows_nothing() -> None:
    document = make_document(rows=[((0, 0.9),), ()])
    assert _triples(list_stretches(document))[-1] == (1000, 1700, None)


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
    wanted = [
        (one.start_ms, one.end_ms, one.label or NO_CLEAR_ACTION) for one in list_stretches(document)
    ]
    duration = round(document.video.duration_seconds * 1000)
    if wanted and wanted[0][0]:
        wanted.insert(0, (0, wanted[0][0], NOT_TAGGED))
    end = wanted[-1][1] if wanted else 0
    if duration > end:
        wanted.append((end, duration, NOT_TAGGED))
    return wanted


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
def test_chapters_tile_the_video(kind: str) -> None:
    document = DOCUMENTS[kind]
    chapters = _wanted_chapters(document)
    assert chapters[0][0] == 0
    assert chapters[-1][1] == round(document.video.duration_seconds * 1000)
    assert all(left[1] == right[0] for left, right in pairwise(chapters))
    text = get_format("chapters").write([document])
    assert text.startswith(";FFMETADATA1\n")
    assert text.count("[CHAPTER]\nTIMEBASE=1/1000\nSTART=") == len(chapters)


def test_chapters_as_text() -> None:
    document = make_document(rows=[((2, 0.9),)], labels=("", "", r"a=b; \#1"), start=2.0, rest=1.0)
    assert get_format("chapters").write([document]) == (
        ";FFMETADATA1\n"
        "\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=not tagged\n"
        "\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=2700\ntitle=a\\=b\\; \\\\\\#1\n"
        "\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=2700\nEND=3700\ntitle=not tagged\n"
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
    assert found == [(start, end) for start, end, _ in _wanted_chapters(document)]
    titles = [c["tags"]["title"] for c in json.loads(done.stdout)["chapters"]]
    assert titles == [title for _, _, title in _wanted_chapters(document)]


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
    assert found == _wanted_chapters(document)
