"""Formats for editors and their neighbours, read back by programs that are not vidtag's."""

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from documents import HOSTILE_LABELS, make_document, make_documents, make_empty
from fake_classifier import FakeClassifier
from make_video import make_video

from vidtag.documents.records import Document
from vidtag.formats import FORMATS
from vidtag.formats.timecode import read_timecode, write_timecode
from vidtag.tagging.tagger import Tagger
from vidtag.text import one_line

otio = pytest.importorskip("opentimelineio", reason="it has no wheels for this Python")

DOCUMENTS = make_documents()

NAME = 'Ann & Bob\'s "déjà vu" <1> \u200fשלם\u200f 💃 100%.mp4'
"""As people call their files: quotes, ampersands, marks of direction, 4-byte characters."""

CLOCKS = {
    "23.976": (24000 / 1001, "10:00:00:00"),
    "24": (24.0, "09:59:58:23"),
    "25": (25.0, "10:00:00:00"),
    "29.97 drop": (30000 / 1001, "10:00:00;00"),
    "29.97 drop, over a minute": (30000 / 1001, "00:08:58;17"),
    "29.97 drop, over ten minutes": (30000 / 1001, "00:09:57;03"),
    "29.97 non-drop": (30000 / 1001, "10:00:00:00"),
    "30": (30.0, "01:00:00:00"),
    "50": (50.0, "10:00:00:49"),
    "59.94 drop": (60000 / 1001, "10:00:00;00"),
    "59.94 drop, over a minute": (60000 / 1001, "00:00:58;59"),
    "60": (60.0, "10:00:00:00"),
    "over midnight, 25": (25.0, "23:59:57:12"),
    "over midnight, 29.97 drop": (30000 / 1001, "23:59:56;00"),
    "over midnight, 59.94 drop": (60000 / 1001, "23:59:58;00"),
}


def make_clocked(frame_rate: float, timecode: str | None, path: str = "a.mov") -> Document:
    document = make_document(path, frame_rate=frame_rate, rest=3.0)
    video = replace(document.video, timecode=timecode, sound_rate=48000, sound_channels=2)
    return replace(document, video=video)


def wanted_frames(document: Document, rate: float) -> list[tuple[int, int, str]]:
    """List start, length and label of each segment, in frames since the first picture."""
    wanted = []
    for one in document.segments:
        start = otio.opentime.RationalTime.from_seconds(one.start_seconds, rate).round().value
        end = otio.opentime.RationalTime.from_seconds(one.end_seconds, rate).round().value
        wanted.append((int(start), int(end - start), one.label))
    return wanted


def first_frame(timecode: str, rate: float) -> int:
    return int(otio.opentime.from_timecode(timecode, rate).value)


def a_day(rate: float, *, is_drop: bool) -> int:
    """Count the frames of a day of timecode."""
    last = "23:59:59;" if is_drop else "23:59:59:"
    return first_frame(f"{last}{round(rate) - 1:02d}", rate) + 1


def read_edl(text: str, rate: float):
    timeline = otio.adapters.read_from_string(
        text, "cmx_3600", rate=rate, ignore_timecode_mismatch=True
    )
    events = []
    for clip in timeline.find_clips():
        [line] = clip.metadata["cmx_3600"]["comments"]
        match = re.fullmatch(r"\|C:ResolveColor([A-Z][a-z]+) \|M:([^|]+) \|D:(\d+)", line)
        assert match, line
        assert clip.source_range.start_time.rate == pytest.approx(rate)
        events.append((int(clip.source_range.start_time.value), int(match[3]), match[2], match[1]))
    return timeline, events


@pytest.mark.parametrize("clock", CLOCKS)
def test_timecode_is_that_of_opentime(clock: str) -> None:
    rate, timecode = CLOCKS[clock]
    exact = Fraction(rate).limit_denominator(1001)
    is_drop = ";" in timecode
    first = first_frame(timecode, rate)
    assert read_timecode(timecode, exact) == first
    for frame in (*range(first, first + 200), *range(first + 17900, first + 18100)):
        own = write_timecode(frame, exact, is_drop=is_drop)
        time = otio.opentime.RationalTime(frame, rate)
        assert own == otio.opentime.to_timecode(time, rate, is_drop)
        assert read_timecode(own, exact) == frame % a_day(rate, is_drop=is_drop)


@pytest.mark.parametrize("clock", CLOCKS)
def test_markers_land_on_the_right_frame(clock: str) -> None:
    rate, timecode = CLOCKS[clock]
    document = make_clocked(rate, timecode)
    first, is_drop = first_frame(timecode, rate), ";" in timecode
    wanted = wanted_frames(document, rate)
    assert len(wanted) == 4

    text = FORMATS["edl"].write([document])
    assert f"FCM: {'DROP FRAME' if is_drop else 'NON-DROP FRAME'}\n" in text
    _, events = read_edl(text, rate)
    day = a_day(rate, is_drop=is_drop)
    assert [event[:3] for event in events] == [
        ((first + start) % day, length, label) for start, length, label in wanted
    ]

    timeline = otio.adapters.read_from_string(FORMATS["otio"].write([document]), "otio_json")
    [clip] = timeline.video_tracks()[0]
    found = [(one.marked_range, one.name) for one in clip.markers]
    assert [(r.start_time.value - first, r.duration.value, name) for r, name in found] == wanted
    assert {r.start_time.rate for r, _ in found} == {rate}

    timeline = otio.adapters.read_from_string(FORMATS["fcp7"].write([document]), "fcp_xml")
    assert timeline.global_start_time.value == first
    assert timeline.global_start_time.rate == pytest.approx(rate)
    found = [(one.marked_range, one.name) for one in timeline.tracks.markers]
    assert [(r.start_time.value, r.duration.value, name) for r, name in found] == wanted

    root = ET.fromstring(FORMATS["fcpxml"].write([document]))
    exact = Fraction(rate).limit_denominator(1001)
    clip = root.find("event/project/sequence/spine/asset-clip")
    frames = [
        (frames_of(one.get("start"), exact), frames_of(one.get("duration"), exact))
        for one in clip.iter("marker")
    ]
    assert frames == [(first + start, length) for start, length, _ in wanted]
    sequence = root.find("event/project/sequence")
    assert sequence.get("tcFormat") == clip.get("tcFormat") == ("DF" if is_drop else "NDF")
    for element, name in ((sequence, "tcStart"), (clip, "start"), (clip, "offset")):
        assert frames_of(element.get(name), exact) == first


def frames_of(time: str, rate: Fraction) -> int:
    frames = Fraction(time.removesuffix("s")) * rate
    assert frames.denominator == 1, f"{time} is no whole frame"
    return int(frames)


def test_an_edl_without_a_timecode_starts_where_timelines_of_resolve_do() -> None:
    document = make_document()
    _, events = read_edl(FORMATS["edl"].write([document]), 30000 / 1001)
    assert events[0][0] == first_frame("01:00:00:00", 30000 / 1001)
    for name in ("fcp7", "fcpxml"):
        root = ET.fromstring(FORMATS[name].write([document]))
        start = root.findtext(".//timecode/frame") or root.find(".//sequence").get("tcStart")
        assert start in ("0", "0s")


@pytest.mark.parametrize(
    ("frame_rate", "timecode"),
    [(25.0, "10:00:00:25"), (25.0, "25:00:00:00"), (25.0, "soon"), (24.0, "01:00:60:00")],
)
def test_a_timecode_that_is_none_is_left_out(frame_rate: float, timecode: str) -> None:
    for name in ("edl", "fcp7", "fcpxml", "otio", "xmp"):
        text = FORMATS[name].write([make_clocked(frame_rate, timecode)])
        assert text == FORMATS[name].write([make_clocked(frame_rate, None)])


def test_frames_are_dropped_where_that_is_defined_alone() -> None:
    text = FORMATS["edl"].write([make_clocked(25.0, "10:00:00;00")])
    assert "FCM: NON-DROP FRAME" in text
    assert "10:00:00:00 10:00:00:01" in text


def test_segments_that_begin_on_the_same_frame_share_a_marker_of_resolve() -> None:
    document = make_document(rows=[((2, 0.9), (4, 0.8)), ((4, 0.9),), ((2, 0.7),)])
    _, events = read_edl(FORMATS["edl"].write([document]), 30000 / 1001)
    assert [event[1:3] for event in events] == [
        (60, "juggling balls + riding a bike"),
        (21, "juggling balls"),
    ]


def test_a_label_has_one_colour_and_the_next_another() -> None:
    _, events = read_edl(FORMATS["edl"].write([make_document()]), 30000 / 1001)
    colors = {label: color for _, _, label, color in events}
    assert len(set(colors.values())) == 3
    assert all(colors[label] == color for _, _, label, color in events)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_editors_read_every_document(kind: str) -> None:
    document = DOCUMENTS[kind]
    shown = [one_line(one.label, one.index) for one in document.segments]

    rate = 25.0 if document.video.frame_rate in (25.0, None) else 30000 / 1001
    rate = 24000 / 1001 if document.video.is_variable_frame_rate else rate
    timeline, events = read_edl(FORMATS["edl"].write([document]), rate)
    assert sum(event[2].count(" + ") + 1 for event in events) >= len(shown)
    assert timeline.name

    timeline = otio.adapters.read_from_string(FORMATS["fcp7"].write([document]), "fcp_xml")
    assert [marker.name for marker in timeline.tracks.markers] == shown
    [clip] = timeline.find_clips()
    assert clip.duration().value >= 1
    is_there = isinstance(clip.media_reference, otio.schema.ExternalReference)
    assert is_there == (document.video.path != "-")

    [timeline] = otio.adapters.read_from_string(FORMATS["fcpxml"].write([document]), "fcpx_xml")
    clips = timeline.find_clips()
    assert len(clips) == (document.video.path != "-")
    for clip in clips:
        assert [marker.name for marker in clip.markers] == shown


def test_sound_has_a_track_per_channel() -> None:
    document = make_clocked(25.0, None)
    timeline = otio.adapters.read_from_string(FORMATS["fcp7"].write([document]), "fcp_xml")
    [video] = timeline.video_tracks()
    assert len(timeline.audio_tracks()) == 2
    for track in timeline.audio_tracks():
        assert track[0].source_range == video[0].source_range
        assert track[0].media_reference.target_url == video[0].media_reference.target_url
    asset = ET.fromstring(FORMATS["fcpxml"].write([document])).find("resources/asset")
    told = {name: asset.get(name) for name in ("hasAudio", "audioChannels", "audioRate")}
    assert told == {"hasAudio": "1", "audioChannels": "2", "audioRate": "48000"}
    silent = make_document()
    assert "audio" not in FORMATS["fcp7"].write([silent]).lower()
    assert "audio" not in FORMATS["fcpxml"].write([silent]).lower()


def test_names_of_files_survive(tmp_path: Path) -> None:
    path = str(tmp_path / NAME)
    document = make_clocked(25.0, "10:00:00:00", path)
    timeline, _ = read_edl(FORMATS["edl"].write([document]), 25.0)
    assert timeline.name == NAME
    for name, adapter in (("otio", "otio_json"), ("fcp7", "fcp_xml")):
        timeline = otio.adapters.read_from_string(FORMATS[name].write([document]), adapter)
        assert timeline.name == NAME
        for clip in timeline.find_clips():
            assert clip.name == NAME
            assert otio.url_utils.filepath_from_url(clip.media_reference.target_url) == path
    root = ET.fromstring(FORMATS["fcpxml"].write([document]))
    assert {one.get("name") for one in root.iter() if one.tag in ("asset", "project")} == {NAME}
    url = root.find("resources/asset/media-rep").get("src")
    assert url.isascii()
    assert unquote(url.removeprefix("file://")) == path


def test_labels_survive() -> None:
    labels = [NAME, *HOSTILE_LABELS[1:], "a|b"]
    document = make_document(rows=[((k, 0.9),) for k in range(8)], labels=labels)
    shown = [one_line(label, k) for k, label in enumerate(labels)]
    assert shown[0] == NAME
    _, events = read_edl(FORMATS["edl"].write([document]), 30000 / 1001)
    assert [label for _, _, label, _ in events] == [*shown[:-1], "a\u00a6b"]
    lines = FORMATS["audacity"].write([document]).splitlines()
    assert [line.split("\t")[2] for line in lines] == shown


@pytest.mark.tool("xmllint")
@pytest.mark.parametrize("name", ["fcp7", "fcpxml", "xmp"])
def test_xmllint_reads_the_xml(name: str, tmp_path: Path) -> None:
    paths = []
    for number, document in enumerate((*DOCUMENTS.values(), make_clocked(25.0, "10:00:00:00"))):
        paths.append(tmp_path / f"{number}.xml")
        paths[-1].write_text(FORMATS[name].write([document]), encoding="utf-8")
    done = subprocess.run(["xmllint", "--noout", *paths], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# Apple publishes it, and installs it with Final Cut Pro, but gives no leave to pass it on.
DTD = Path(
    "/Applications/Final Cut Pro.app/Contents/Frameworks/Interchange.framework/Versions/A"
    "/Resources/FCPXMLv1_10.dtd"
)


@pytest.mark.tool("xmllint")
@pytest.mark.skipif(not DTD.is_file(), reason="Final Cut Pro is not installed")
def test_fcpxml_is_valid_by_the_dtd_of_final_cut(tmp_path: Path) -> None:
    paths = []
    for number, silent in enumerate(DOCUMENTS.values()):
        video = replace(silent.video, timecode="10:00:00:00", sound_rate=48000, sound_channels=2)
        for document in (silent, replace(silent, video=video)):
            paths.append(tmp_path / f"{number} {document.video.timecode is None}.fcpxml")
            paths[-1].write_text(FORMATS["fcpxml"].write([document]), encoding="utf-8")
    done = subprocess.run(
        ["xmllint", "--noout", "--dtdvalid", DTD, *paths], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def read_xmp(document: Document, path: Path) -> dict:
    path.write_text(FORMATS["xmp"].write([document]), encoding="utf-8")
    done = subprocess.run(
        ["exiftool", "-j", "-struct", "-validate", "-warning", "-a", "-XMP:all", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    [read] = json.loads(done.stdout)
    assert read.pop("Validate", "OK") == "OK"
    return read


@pytest.mark.slow
@pytest.mark.tool("exiftool")
@pytest.mark.parametrize("clock", CLOCKS)
def test_exiftool_reads_the_sidecar(clock: str, tmp_path: Path) -> None:
    rate, timecode = CLOCKS[clock]
    document = make_clocked(rate, timecode)
    read = read_xmp(document, tmp_path / "a.xmp")
    assert read["Subject"] == [one.label for one in document.summary]
    assert read["StartTimecode"]["TimeValue"] == timecode
    named = read["StartTimecode"]["TimeFormat"]
    assert float(named.split()[0]) == pytest.approx(rate, rel=1e-4)
    assert ("(drop)" in named) == (";" in timecode)
    [track] = read["Tracks"]
    match = re.fullmatch(r"f(\d+)(?:s(\d+))?", track["FrameRate"])
    assert match
    assert int(match[1]) / int(match[2] or 1) == rate
    found = [(one["StartTime"], one["Duration"], one["Name"]) for one in track["Markers"]]
    assert found == wanted_frames(document, rate)


@pytest.mark.slow
@pytest.mark.tool("exiftool")
def test_exiftool_reads_what_people_write(tmp_path: Path) -> None:
    labels = [NAME, *HOSTILE_LABELS[1:]]
    document = make_document(rows=[((k, 0.9),) for k in range(7)], labels=labels)
    shown = [one_line(label, k) for k, label in enumerate(labels)]
    read = read_xmp(document, tmp_path / "a.xmp")
    assert [str(one["Name"]) for one in read["Tracks"][0]["Markers"]] == shown
    assert sorted(read["Subject"]) == sorted(shown)
    same = read_xmp(DOCUMENTS["same label twice"], tmp_path / "b.xmp")
    assert same["Subject"] in ("walk", ["walk"])
    assert not {"Subject", "Tracks"} & read_xmp(make_empty(), tmp_path / "c.xmp").keys()


@pytest.mark.slow
@pytest.mark.tool("ffprobe")
def test_the_timecode_of_a_file_is_where_its_markers_begin(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mov", num_frames=90, fps=Fraction(30000, 1001), timecode="09:59:59;20"
    )
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream_tags=timecode", "-of", "csv=p=0", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = done.stdout.split()[0]
    document = Tagger(FakeClassifier(), min_score=0.01).tag(path)
    assert document.segments[0].start_seconds == 0
    _, events = read_edl(FORMATS["edl"].write([document]), 30000 / 1001)
    assert events[0][0] == first_frame(told, 30000 / 1001)


# YouTube and Audacity


def chapters(document: Document) -> list[tuple[int, str]]:
    found = []
    for line in FORMATS["youtube"].write([document]).splitlines():
        match = re.fullmatch(r"(?:(\d+):(?=\d\d:))?(\d?\d):(\d\d) (\S.*)", line)
        assert match, line
        hours, minutes, seconds = (int(part or 0) for part in match.group(1, 2, 3))
        found.append((hours * 3600 + minutes * 60 + seconds, match[4]))
    return found


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_chapters_are_as_youtube_wants_them(kind: str) -> None:
    document = DOCUMENTS[kind]
    found = chapters(document)
    starts = [start for start, _ in found]
    assert starts[0] == 0
    ends = [*starts[1:], document.video.duration_seconds]
    assert all(end - start >= 10 for start, end in zip(starts, ends, strict=True)) or starts == [0]
    titles = [title for _, title in found]
    assert all(one != other for one, other in pairwise(titles))
    assert not set("".join(titles)) & set("<>")


def test_chapters_of_an_hour_and_more() -> None:
    found = chapters(DOCUMENTS["long"])
    assert [start for start, _ in found] == [k * 300 for k in range(14)]
    assert FORMATS["youtube"].write([DOCUMENTS["long"]]).splitlines()[12].startswith("1:00:00 ")


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ("aaaaaaaaaaaabbaaaaaaaaaaaa", [(0, "a")]),
        ("aaaaaaaaaaaabbcccccccccccc", [(0, "a"), (14, "c")]),
        ("bbaaaaaaaaaaaacccccccccccc", [(0, "a"), (14, "c")]),
        ("aaaaaaaaaaaabbb.bbbcccccddddddddddddd", [(0, "a"), (12, "b"), (24, "d")]),
        ("aaa....................", [(0, "a")]),
        ("............aaaaaaaaaaaa", [(0, "\u2013"), (12, "a")]),
        ("....", [(0, "\u2013")]),
    ],
)
def test_short_chapters_belong_to_others(labels: str, wanted: list[tuple[int, str]]) -> None:
    names = sorted(set(labels) - {"."}) or ["a"]
    rows = [((names.index(one), 0.9),) if one != "." else ((0, 0.1),) for one in labels]
    document = make_document(rows=rows, labels=names, duration=float(len(rows)))
    assert chapters(document) == wanted


def test_audacity_reads_seconds_with_a_point() -> None:
    document = make_document(start=0.5)
    lines = FORMATS["audacity"].write([document]).splitlines()
    assert lines[0] == "0.500000\t3.500000\tjuggling balls"
    found = [line.split("\t") for line in lines]
    assert [(float(start), float(end), label) for start, end, label in found] == [
        (one.start_seconds, one.end_seconds, one.label) for one in document.segments
    ]
    assert FORMATS["audacity"].write([make_empty()]) == ""
