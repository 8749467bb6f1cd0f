"""`vidtag cut`: exactly the frames that were asked for, their sound, and nothing overwritten."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from fake_classifier import FakeClassifier
from make_video import draw_index, make_video, read_corners, read_index
from test_watch import COMMAND

from vidtag.cutting.hits import Hit, clip_name, find_hits, join_hits
from vidtag.errors import VideoError
from vidtag.search.matching import compile_patterns
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.timeline.segments import SegmentRule
from vidtag.video import Video
from vidtag.video.cutting import CutSource, Piece
from vidtag.video.decoding import Decoder
from vidtag.video.exact_cuts import ExactWriter
from vidtag.video.packet_cuts import PacketWriter

F = Fraction


def indices(path: Path | str) -> list[int]:
    """Read the burnt-in numbers of a video's frames, as a viewer sees them."""
    with Video(str(path)) as video:
        return [read_index(frame.to_rgb()) for frame in video.frames()]


def seconds(path: Path | str) -> list[Fraction]:
    with Video(str(path)) as video:
        return [frame.seconds for frame in video.frames()]


def expected(path: Path, piece: Piece) -> list[int]:
    """List the numbers of the frames that come on screen within a piece, by reading all."""
    with Video(str(path)) as video:
        return [
            read_index(frame.to_rgb())
            for frame in video.frames()
            if piece.start <= frame.seconds < piece.end
        ]


def cut_exact(path: Path, piece: Piece, target: Path):
    with CutSource(str(path)) as source:
        writer = ExactWriter(str(target), source, source if source.has_sound else None)
        made = writer.add(source, piece)
        writer.close()
    return made


def cut_copy(path: Path, piece: Piece, target: Path):
    with CutSource(str(path)) as source:
        kind = "mp4" if target.suffix == ".mp4" else "matroska"
        writer = PacketWriter(str(target), kind=kind)
        made = writer.add(source, piece)
        writer.close()
    return made


UNEVEN = [0]
for step in range(199):
    UNEVEN.append(UNEVEN[-1] + (20, 80, 33)[step % 3])

VIDEOS = {
    "plain.mp4": {},
    "b_frames.mp4": {"options": {"bf": "3", "g": "60"}, "audio_seconds": 8},
    "ntsc.mp4": {"fps": F(30000, 1001), "options": {"bf": "2", "g": "45"}},
    "film.mov": {"fps": F(24000, 1001), "options": {"g": "48"}},
    "turned.mp4": {"rotation": 90, "options": {"g": "50"}},
    "upside_down.mp4": {"rotation": 180, "options": {"bf": "2"}},
    "uneven.mkv": {"pts": UNEVEN, "time_base": F(1, 1000), "options": {"bf": "2", "g": "40"}},
    "late.mp4": {"pts": [3200 + 512 * k for k in range(200)], "time_base": F(1, 12800)},
    "stream.ts": {"options": {"bf": "2", "g": "50"}},
    "short_gop.mkv": {"options": {"bf": "2", "g": "12"}},
    "long_gop.mkv": {"options": {"bf": "2", "g": "1000"}},
    "hevc.mp4": {"codec": "libx265", "options": {"g": "50"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "50", "deadline": "realtime"}},
    "deep.mkv": {"codec": "libx265", "pix_fmt": "yuv420p10le"},
    "wide.mp4": {"sar": F(4, 3)},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("cut")
    return {name: make_video(folder / name, num_frames=200, **how) for name, how in VIDEOS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize(("start", "end"), [(F(2), F(4)), (F(0), F(1)), (F("3.3"), F("3.41"))])
def test_exact_pieces_have_exactly_their_frames(videos, tmp_path, name, start, end):
    path, piece = videos[name], Piece(start=start, end=end)
    target = tmp_path / "clip.mp4"
    made = cut_exact(path, piece, target)
    wanted = expected(path, piece)
    assert wanted
    assert indices(target) == wanted
    assert made is not None
    assert made.num_frames == len(wanted)
    # The times between them are those of the video.
    all_times = [one for one in seconds(path) if start <= one < end]
    times = seconds(target)
    for one, other in zip(times, all_times, strict=True):
        assert abs((one - times[0]) - (other - all_times[0])) < F(1, 20_000)
    with Video(str(target)) as clip, Video(str(path)) as video:
        assert (clip.info().width, clip.info().height) == (
            video.info().width,
            video.info().height,
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEOS)
def test_copies_hold_the_piece_from_a_key_frame_on_without_a_hole(videos, tmp_path, name):
    path, piece = videos[name], Piece(start=F(2), end=F(4))
    target = tmp_path / ("clip.mkv" if path.suffix in (".mkv", ".webm") else "clip.mp4")
    made = cut_copy(path, piece, target)
    found, wanted = indices(target), expected(path, piece)
    assert found == list(range(found[0], found[-1] + 1))
    assert set(wanted) <= set(found)
    all_times = seconds(path)
    times, own = seconds(target), all_times[found[0] : found[-1] + 1]
    for one, other in zip(times, own, strict=True):
        assert abs((one - times[0]) - (other - own[0])) < F(1, 500)
    assert made is not None
    assert abs(made.start_seconds - all_times[found[0]]) < F(1, 500)
    assert made.num_frames == len(found)
    assert found[-1] - wanted[-1] <= 6  # those that others needed
    with Video(str(target)) as clip, Video(str(path)) as video:
        assert clip.info().rotation_degrees == video.info().rotation_degrees
        assert (clip.info().width, clip.info().height) == (
            video.info().width,
            video.info().height,
        )


@pytest.mark.slow
def test_pictures_stand_upright(videos, tmp_path):
    for name in ("turned.mp4", "upside_down.mp4"):
        for cut in (cut_exact, cut_copy):
            cut(videos[name], Piece(start=F(2), end=F("2.2")), tmp_path / "clip.mp4")
            with Video(str(tmp_path / "clip.mp4")) as video:
                corners = read_corners(next(video.frames()).to_rgb())
            assert corners == {
                "top_left": "red",
                "top_right": "green",
                "bottom_left": "blue",
                "bottom_right": "yellow",
            }


# Sound


@pytest.fixture(scope="module")
def beeps(tmp_path_factory) -> Path:
    """Give eight seconds in which a beep of a tenth of a second begins with every second."""
    folder = tmp_path_factory.mktemp("sound")
    rate = 48000
    silent = make_video(folder / "silent.mp4", num_frames=200, options={"g": "40", "bf": "2"})
    path = folder / "beeps.mp4"
    time_axis = np.arange(8 * rate) / rate
    beep = (np.sin(2 * np.pi * 1000 * time_axis) * (time_axis % 1 < 0.1) * 0.8).astype(np.float32)
    with av.open(str(silent)) as source, av.open(str(path), "w") as output:
        video = output.add_stream_from_template(source.streams.video[0])
        audio = output.add_stream("aac", rate=rate, layout="stereo")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                output.mux(packet)
        for begin in range(0, len(beep), 1024):
            part = np.stack([beep[begin : begin + 1024]] * 2)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(part), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = rate, begin
            frame.time_base = F(1, rate)
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
    return path


def onsets(path: Path) -> list[float]:
    """Find when beeps begin, by the times of the sound."""
    loud: list[tuple[float, float]] = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        first_video = min(
            packet.pts * packet.time_base
            for packet in av.open(str(path)).demux(video=0)
            if packet.pts is not None
        )
        for frame in container.decode(stream):
            samples = np.abs(frame.to_ndarray()).max(axis=0)
            start = float(frame.pts * frame.time_base - first_video)
            for k in range(0, len(samples), 48):
                loud.append((start + k / frame.sample_rate, float(samples[k : k + 48].max())))
    found, was_loud = [], False
    for at, level in loud:
        is_loud = level > 0.3
        if is_loud and not was_loud and (not found or at - found[-1] > 0.5):
            found.append(at)
        was_loud = is_loud
    return found


@pytest.mark.parametrize("start", [F(0), F(2), F("2.52"), F("5.96")])
def test_sound_stays_with_its_pictures(beeps, tmp_path, start):
    piece = Piece(start=start, end=start + 2)
    for cut in (cut_exact, cut_copy):
        target = tmp_path / f"{cut.__name__}.mp4"
        made = cut(beeps, piece, target)
        assert made is not None
        assert made.has_sound
        begin = float(made.start_seconds)
        wanted = [k - begin for k in range(9) if 0.02 < k - begin < float(made.end_seconds) - begin]
        heard = [at for at in onsets(target) if at > 0.02]
        assert len(heard) == len([at for at in wanted if at < float(made.end_seconds) - begin])
        for at, other in zip(heard, wanted, strict=True):
            assert abs(at - other) < 0.02


def test_a_reel_keeps_sound_with_pictures_from_piece_to_piece(beeps, tmp_path):
    target = tmp_path / "reel.mp4"
    with CutSource(str(beeps)) as source:
        writer = ExactWriter(str(target), source, source)
        for start in ("0.5", "3.5", "6.5"):
            writer.add(source, Piece(start=F(start), end=F(start) + 1))
        writer.close()
    # Pictures of each piece begin at the next one of 25 a second: at 0.52 s.
    assert len(indices(target)) == 75 or len(indices(target)) == 74
    for at, wanted in zip(onsets(target), (0.48, 1.48, 2.48), strict=True):
        assert abs(at - wanted) < 0.045


# Many pieces


@pytest.mark.slow
def test_pieces_of_a_long_video_are_reached_by_seeking(tmp_path, monkeypatch):
    path = make_video(tmp_path / "long.mp4", num_frames=5000, options={"g": "50"}, size=(80, 60))
    num_decoded = 0
    counted = Decoder._counted

    def count(self, frames):
        nonlocal num_decoded
        for frame in counted(self, frames):
            num_decoded += 1
            yield frame

    monkeypatch.setattr(Decoder, "_counted", count)
    with CutSource(str(path)) as source:
        writer = ExactWriter(str(tmp_path / "reel.mp4"), source)
        for k in range(20):
            writer.add(source, Piece(start=F(k * 10), end=F(k * 10) + F(1, 5)))
        writer.close()
    assert num_decoded < 20 * 120  # of 100,000, were each piece reached by decoding
    assert indices(tmp_path / "reel.mp4") == [k * 250 + n for k in range(20) for n in range(5)]


# Hits


def test_hits_of_one_label_that_touch_are_one(clip):
    document = Tagger(FakeClassifier()).tag(clip)
    one = document.segments[0]
    rows = (("run", 0, 2), ("jump", 2, 3), ("run", 2.5, 4), ("run", 8, 9))
    segments = tuple(
        replace(one, label=label, index=len(label), start_seconds=start, end_seconds=end)
        for label, start, end in rows
    )
    document = replace(
        document, segments=segments, video=replace(document.video, duration_seconds=10.0)
    )
    patterns = compile_patterns(["run"])
    plain = find_hits(document, patterns, F(0))
    assert [(hit.cut_start, hit.cut_end) for hit in plain] == [(0, 2), (F("2.5"), 4), (8, 9)]
    padded = find_hits(document, patterns, F(1))
    assert [(hit.cut_start, hit.cut_end) for hit in padded] == [(0, 5), (7, 10)]
    both = find_hits(document, compile_patterns(["run", "jump"]), F(1))
    assert join_hits(both) == ((0, 5), (7, 10))


# The command


def run(*args: str, **kwargs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "cut", *args], capture_output=True, text=True, timeout=60, **kwargs
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_video(
        tmp_path_factory.mktemp("clip") / "clip.mp4", num_frames=150, options={"g": "20"}
    )


MIN = ("--min-score", "0.6")


@pytest.mark.slow
def test_hits_become_clips_stills_and_a_reel(clip, tmp_path):
    done = run("middle|high", str(clip), "-o", "out", "--stills", "--reel", "all.mp4", "--exact",
               *MIN, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = done.stdout.splitlines()
    labels = [name.rpartition("_")[2] for name in names]
    assert labels == ["middle.mp4", "middle.jpg", "high.mp4", "high.jpg", "all.mp4"]
    document = Tagger(FakeClassifier(), Settings(rule=SegmentRule(min_score=0.6))).tag(clip)
    wanted = [s for s in document.segments if s.label in ("middle", "high")]
    clips = [name for name in names if name.startswith("out/") and name.endswith(".mp4")]
    assert len(clips) == len(wanted)
    for name, segment in zip(clips, wanted, strict=True):
        numbers = indices(tmp_path / name)
        assert numbers == list(
            range(round(segment.start_seconds * 25), round(segment.end_seconds * 25))
        )
    reel = indices(tmp_path / "all.mp4")
    assert reel == list(range(reel[0], reel[-1] + 1))
    with av.open(str(tmp_path / names[1])) as still:
        number = read_index(next(still.decode(video=0)).to_ndarray(format="rgb24"))
    assert number == int(wanted[0].peak_seconds * 25)


@pytest.mark.slow
def test_from_stored_documents_no_model_is_needed(clip, tmp_path):
    document = Tagger(FakeClassifier(), Settings(rule=SegmentRule(min_score=0.6))).tag(clip)
    document.save(tmp_path / "clip.json")
    (tmp_path / "other.json").write_text('{"a": 1}')
    done = subprocess.run(
        [sys.executable, "-m", "vidtag", "cut", "low", str(tmp_path), "-o", "out", "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["label"] for one in told] == ["low"]
    assert told[0]["video"] == str(clip)
    assert told[0]["clip_start_seconds"] == 0
    assert (tmp_path / told[0]["path"]).is_file()
    assert "scored" not in done.stderr


@pytest.mark.slow
def test_how_far_copies_are_off_is_told(clip, tmp_path):
    done = run("high", str(clip), "-o", "out", "--json", *MIN, cwd=tmp_path)
    told = json.loads(done.stdout)
    numbers = indices(tmp_path / told["path"])
    assert told["clip_start_seconds"] == numbers[0] / 25 <= told["start_seconds"]
    early = told["start_seconds"] - told["clip_start_seconds"]
    assert f"up to {early:.2f} s early" in done.stderr


@pytest.mark.slow
def test_nothing_foreign_is_overwritten(clip, tmp_path):
    first = run("high", str(clip), "-o", "out", *MIN, cwd=tmp_path)
    name = tmp_path / first.stdout.strip()
    again = run("high", str(clip), "-o", "out", *MIN, cwd=tmp_path)
    assert again.returncode == 0  # what vidtag made is replaced
    (tmp_path / "out" / ".vidtag.jsonl").unlink()
    name.write_bytes(b"somebody's")
    done = run("high", str(clip), "-o", "out", *MIN, cwd=tmp_path)
    assert done.returncode == 1
    assert "was not made by vidtag" in done.stderr
    assert name.read_bytes() == b"somebody's"
    assert run("high", str(clip), "-o", "out", "--force", *MIN, cwd=tmp_path).returncode == 0
    assert name.stat().st_size > 100


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("high", "{clip}"), "say where the clips go"),
        (("high",), "say what to cut"),
        (("high", "{clip}", "-o", "a.mp4"), "clips go to a folder"),
        (("high", "{clip}", "--reel", "{clip}"), "would be overwritten"),
        (("high", "{clip}", "--reel", "a.txt"), "name a file that ends in"),
        (("high", "{clip}", "--reel", "a.mkv", "--exact"), "name a file that ends in"),
        (("high", "{clip}", "--reel", "a.mp4", "--stills"), "add -o"),
        (("[", "{clip}", "-o", "x"), "no regular expression"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(clip, tmp_path, args, says):
    done = run(*(arg.format(clip=clip) for arg in args), cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert not done.stdout


@pytest.mark.slow
def test_without_a_hit_nothing_is_made(clip, tmp_path):
    done = run("nothing-like-it", str(clip), "-o", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "No segment matches" in done.stderr


@pytest.mark.slow
def test_a_missing_video_of_a_document_costs_that_one_alone(clip, tmp_path):
    settings = Settings(rule=SegmentRule(min_score=0.6))
    good = Tagger(FakeClassifier(), settings).tag(clip)
    gone = make_video(tmp_path / "gone.mp4", num_frames=150)
    bad = Tagger(FakeClassifier(), settings).tag(gone)
    gone.unlink()
    lines = f"{bad.to_json()}\n{good.to_json()}\n"
    (tmp_path / "tags.jsonl").write_text(lines)
    done = run("low", "tags.jsonl", "-o", "out", cwd=tmp_path)
    assert done.returncode == 3
    assert "There is no file" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_timestamps_that_are_broken_are_not_copied_by(tmp_path):
    path = make_video(tmp_path / "a.h264", num_frames=60, container="h264")
    with CutSource(str(path)) as source:
        writer = PacketWriter(str(tmp_path / "a.mp4"), kind="mp4")
        with pytest.raises(VideoError, match="--exact"):
            writer.add(source, Piece(start=F(0), end=F(1)))
        writer.drop()
    made = cut_exact(path, Piece(start=F(1), end=F(2)), tmp_path / "b.mp4")
    assert made is not None
    assert indices(tmp_path / "b.mp4") == list(range(25, 50))


@pytest.mark.slow
def test_a_kill_leaves_no_half_clip(clip, tmp_path):
    path = make_video(tmp_path / "big.mp4", num_frames=150, size=(1280, 720), options={"g": "30"})
    process = subprocess.Popen(
        [*COMMAND, "cut", "low|middle|high", str(path), "-o", "out", "--exact", *MIN],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    out = tmp_path / "out"
    with process:
        while not list(out.glob(".vidtag-*.tmp")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    for name in out.glob("*.mp4"):
        assert indices(name)
    assert run("low", str(path), "-o", "out", *MIN, cwd=tmp_path).returncode == 0
    assert not list(out.glob(".vidtag-*.tmp"))


def test_names_of_files_and_labels_are_safe():
    def name(path: str, label: str) -> str:
        hit = Hit(
            label=label, score=1.0, start_seconds=F(1), end_seconds=F(2), peak_score=1.0,
            peak_seconds=F(1),
            cut_start=F(1), cut_end=F(2),
        )  # fmt: skip
        return clip_name(path, hit, ".mp4")

    assert name("a/b.mp4", "../../etc") == "b_0-00-01.000_etc.mp4"
    assert "/" not in name("x.mp4", "a/b\\c:d\n\u202e*?")
    assert len(os.fsencode(name("é" * 200 + ".mp4", "label " * 50))) <= 255
    assert len(os.fsencode(name("視" * 90 + ".mp4", "走" * 90))) <= 255
    assert name("😀.mp4", "läuft") == "😀_0-00-01.000_läuft.mp4"


def cut_document(tmp_path: Path, *rows: tuple[str, float, float, str]) -> Path:
    """Store a document a video: label, start, end and path of each hit."""
    paths = dict.fromkeys(row[3] for row in rows)
    lines = []
    for path in paths:
        document = Tagger(FakeClassifier(), Settings(rule=SegmentRule(min_score=0.6))).tag(path)
        one = document.segments[0]
        own = [row for row in rows if row[3] == path]
        segments = tuple(
            replace(one, label=label, index=k, start_seconds=start, end_seconds=end,
                    peak_seconds=(start + end) / 2)
            for k, (label, start, end, _) in enumerate(own)
        )  # fmt: skip
        seconds = max(document.video.duration_seconds, *(row[2] for row in own))
        video = replace(document.video, duration_seconds=seconds)
        lines.append(replace(document, segments=segments, video=video).to_json())
    stored = tmp_path / "tags.jsonl"
    stored.write_text("\n".join(lines))
    return stored


@pytest.mark.slow
def test_videos_of_one_name_do_not_overwrite_each_other(tmp_path):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(make_video(tmp_path / folder / "clip.mp4", num_frames=50))
    rows = [(label, 0, 1, str(path)) for path in paths for label in ("run?", "run*")]
    stored = cut_document(tmp_path, *rows)
    done = run("run", str(stored), "-o", "out", cwd=tmp_path)
    names = done.stdout.splitlines()
    assert len(set(names)) == 4
    assert all((tmp_path / name).is_file() for name in names)
    again = run("run", str(stored), "-o", "out", cwd=tmp_path)
    assert again.stdout == done.stdout


@pytest.mark.slow
def test_a_hit_without_a_picture_costs_the_others_nothing(clip, tmp_path):
    rows = [("a", 0, 1, str(clip)), ("b", 2.001, 2.009, str(clip)), ("c", 30, 40, str(clip)),
            ("d", 4, 5, str(clip))]  # fmt: skip
    stored = cut_document(tmp_path, *rows)
    done = run("[abcd]", str(stored), "-o", "out", "--exact", cwd=tmp_path)
    assert done.returncode == 3
    assert [Path(name).stem[-1] for name in done.stdout.splitlines()] == ["a", "d"]
    assert done.stderr.count("No picture of") == 2
    copied = run("c", str(stored), "-o", "copied", cwd=tmp_path)
    assert copied.returncode == 1
    assert "No picture of" in copied.stderr
    assert "No segment matches" not in copied.stderr
    assert not list((tmp_path / "copied").glob("*.mp4"))


@pytest.mark.slow
@pytest.mark.parametrize("source", ["-", "rtsp://127.0.0.1:1/a"])
def test_what_is_no_file_is_refused_before_it_is_read(tmp_path, source):
    done = run("low", source, "-o", "out", cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "is no file" in done.stderr


@pytest.mark.slow
def test_a_copied_reel_is_what_its_name_says(clip, tmp_path):
    for suffix, name in ((".mov", "mov"), (".m4v", "mp4"), (".mkv", "matroska")):
        done = run("low|high", str(clip), "--reel", f"all{suffix}", *MIN, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        with av.open(str(tmp_path / f"all{suffix}")) as reel:
            assert name in reel.format.name


def test_a_copied_reel_of_a_transport_stream_with_sound(tmp_path):
    path = make_video(
        tmp_path / "a.ts", num_frames=250, audio_seconds=10, options={"g": "25", "bf": "2"}
    )
    with CutSource(str(path)) as source:
        writer = PacketWriter(str(tmp_path / "reel.mp4"), kind="mp4")
        for start in (1, 4, 7):
            assert writer.add(source, Piece(start=F(start), end=F(start + 1)))
        writer.close()
    assert len(indices(tmp_path / "reel.mp4")) >= 75


def test_sound_of_eight_channels_is_mixed_down(tmp_path):
    path = tmp_path / "film.mkv"
    silent = make_video(tmp_path / "silent.mp4", num_frames=50)
    with av.open(str(silent)) as source, av.open(str(path), "w") as output:
        video = output.add_stream_from_template(source.streams.video[0])
        audio = output.add_stream("flac", rate=48000, layout="7.1")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                output.mux(packet)
        samples = np.zeros((1, 8 * 4096), np.int16)
        for k in range(20):
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="7.1")
            frame.sample_rate, frame.pts, frame.time_base = 48000, k * 4096, F(1, 48000)
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
    made = cut_exact(path, Piece(start=F(0), end=F(1)), tmp_path / "clip.mp4")
    assert made is not None
    with av.open(str(tmp_path / "clip.mp4")) as cut:
        assert cut.streams.audio[0].codec_context.channels == 6


def test_a_reel_of_unlike_videos_is_drawn_upright_with_bars(tmp_path):
    wide = make_video(tmp_path / "wide.mp4", num_frames=20, size=(160, 120))
    tall = make_video(tmp_path / "tall.mp4", num_frames=20, size=(120, 160), rotation=90)
    target = tmp_path / "reel.mp4"
    with ExitStack() as stack:
        sources = [stack.enter_context(CutSource(str(path))) for path in (wide, tall)]
        writer = ExactWriter(str(target), sources[0], is_mixed=True)
        for source in sources:
            writer.add(source, Piece(start=F(0), end=F(1)))
        writer.close()
    with Video(str(target)) as video:
        pictures = [frame.to_rgb() for frame in video.frames()]
    assert len(pictures) == 40
    assert {picture.shape for picture in pictures} == {(120, 160, 3)}
    assert read_index(pictures[5]) == 5
    assert pictures[25][:, :30].max() < 40  # a bar
    assert read_index(pictures[25][:, 35:125]) == 5
    assert draw_index(5).shape == (120, 160, 3)
