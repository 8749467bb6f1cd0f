"""What is watched: windows, events, the source that goes and comes back, and what is kept of it."""

import json
import os
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import jsonschema
import numpy as np
import pytest
from fake_classifier import FakeClassifier
from hypothesis import given
from hypothesis import strategies as st
from make_video import make_video, read_index
from stream_server import Plan, StreamServer

from vidtag.clips.windows import Window
from vidtag.documents.live import LiveEvent, make_event_schema
from vidtag.errors import VideoError
from vidtag.live import draining
from vidtag.live.clips import Recorder
from vidtag.live.clock import ArrivalClock
from vidtag.live.draining import Watched
from vidtag.live.mailbox import Mailbox, Odd, Ready
from vidtag.live.watcher import Watcher, WatchSettings
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.timeline.segments import SegmentRule
from vidtag.video.frames import VideoInfo
from vidtag.video.live import LiveOptions, open_live
from vidtag.video.options import Part
from vidtag.video.transport import first_video, stream_type

PART = Part(timeout_seconds=1.0)


class SlowClassifier(FakeClassifier):
    """Takes its time."""

    seconds = 0.0

    def logits(self, clips: np.ndarray) -> np.ndarray:
        time.sleep(self.seconds)
        return super().logits(clips)


def make_watcher(
    name: str | Path,
    classifier: FakeClassifier | None = None,
    *,
    pace: draining.Pace = "as it comes",
    stride: Fraction | None = None,
    follow: bool = False,
    timeout: float = 1.0,
    **wishes,
) -> Watcher:
    settings = Settings(
        stride_seconds=stride, rule=wishes.pop("rule", SegmentRule(min_score=0.6)), read=PART
    )
    tagger = Tagger(classifier or FakeClassifier(), settings)
    return Watcher(
        tagger,
        Watched(
            name=str(name),
            options=LiveOptions(part=Part(timeout_seconds=timeout), follow=follow),
            grid=tagger.grid,
            prepare=tagger.classifier.prepare,
            pace=pace,
            on_packet=wishes.pop("on_packet", None),
        ),
        WatchSettings(**{"every_seconds": 0.0, "keep_seconds": 3600.0, **wishes}),
    )


def kinds(events: list[LiveEvent]) -> list[str]:
    return [event.event for event in events]


def collect(
    watcher: Watcher, until: dict[str, int] | None = None, seconds: float = 40
) -> list[LiveEvent]:
    """Take events until so many of a kind came."""
    events: list[LiveEvent] = []
    began = time.monotonic()
    for event in watcher.events():
        events.append(event)
        is_enough = until and all(kinds(events).count(k) >= n for k, n in until.items())
        if is_enough or time.monotonic() - began > seconds:
            watcher.stop()
    return events


@pytest.fixture(scope="module")
def stream(tmp_path_factory) -> Path:
    """Give four seconds of a transport stream, whose frames carry their numbers."""
    return make_video(
        tmp_path_factory.mktemp("live") / "stream.ts", num_frames=100, options={"g": "10"}
    )


# Files: the same as when they are tagged


@pytest.mark.slow
@pytest.mark.parametrize("num_frames", [9, 50, 62, 100, 183])
@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("stride", [None, Fraction(1, 2), Fraction(3)])
def test_a_file_gives_the_steps_that_tagging_gives(tmp_path, num_frames, batch_size, stride):
    path = make_video(tmp_path / "a.mp4", num_frames=num_frames)
    classifier = FakeClassifier(batch_size=batch_size)
    watcher = make_watcher(path, classifier, pace="as fast as possible", stride=stride)
    events = collect(watcher)
    settings = Settings(stride_seconds=stride, rule=SegmentRule(min_score=0.6))
    document = Tagger(FakeClassifier(batch_size=batch_size), settings).tag(path)
    seen = watcher.document()
    assert seen is not None
    assert (seen.timeline, seen.segments, seen.tags) == (
        document.timeline,
        document.segments,
        document.tags,
    )
    assert seen.sampling == document.sampling
    told = [event for event in events if event.event == "step"]
    assert [(e.start_seconds, e.end_seconds, e.tags) for e in told] == [
        (step.start_seconds, step.end_seconds, step.tags) for step in document.timeline
    ]
    closed = [event for event in events if event.event == "segment_close"]
    assert sorted((e.start_seconds, e.end_seconds, e.label, e.score) for e in closed) == sorted(
        (s.start_seconds, s.end_seconds, s.label, s.score) for s in document.segments
    )
    assert kinds(events)[0] == "started"
    assert kinds(events)[-1] == "stopped"
    assert events[-1].code == "ended"


@pytest.mark.slow
def test_a_file_is_watched_in_real_time(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=85)
    watcher = make_watcher(path)
    began = time.monotonic()
    told = [(event, time.monotonic() - began) for event in watcher.events()]
    steps = [(event, at) for event, at in told if event.event == "step"]
    document = Tagger(FakeClassifier(), Settings(rule=SegmentRule(min_score=0.6))).tag(path)
    assert [event.tags for event, _ in steps] == [step.tags for step in document.timeline]
    assert watcher.skipped_windows == 0
    # The first window ends after two seconds, and is told at once.
    assert 2 <= steps[0][1] < 3
    assert all(event.lag_seconds is not None and event.lag_seconds < 1 for event, _ in steps)


@pytest.mark.slow
@pytest.mark.parametrize("pace", ["as it comes", "as fast as possible"])
def test_a_wait_for_the_model_or_the_clock_is_no_fault_of_the_source(tmp_path, monkeypatch, pace):
    monkeypatch.setattr(draining, "PICTURE_SECONDS", 0.3)
    path = make_video(tmp_path / "a.mp4", num_frames=130)
    classifier = SlowClassifier()
    classifier.seconds = 0.5
    events = collect(make_watcher(path, classifier, pace=pace))
    assert [event.start_seconds for event in events if event.event == "step"] == [0, 1, 2, 3, 4, 5]
    assert events[-1].code == "ended"


# Never behind


def ready(start: int) -> Ready:
    picture = np.zeros((1, 1, 3), np.uint8)
    window = Window(
        start_seconds=Fraction(start),
        end_seconds=Fraction(start + 2),
        frame_seconds=(Fraction(start),),
        clip=(picture,),
    )
    info = VideoInfo(
        path="a", size_bytes=None, container="mpegts", codec="h264", width=1, height=1,
        rotation_degrees=0, frame_rate=None, is_variable_frame_rate=False,
        duration_seconds=Fraction(0), num_frames=1, num_failed_packets=0,
        timecode=None, sound_rate=None, sound_channels=None,
    )  # fmt: skip
    return Ready(window=window, next_start=Fraction(start + 1), info=info)


def test_a_newer_window_takes_the_place_of_one_that_waits():
    mailbox = Mailbox(None)
    odd = Odd(code="clock_jumped", message="")
    for item in (ready(0), ready(1), odd, ready(2), ready(3), ready(4)):
        mailbox.put(item, lambda: False)
    taken = [mailbox.take(lambda: False) for _ in range(3)]
    assert [one.window.start_seconds if isinstance(one, Ready) else one for one in taken] == [
        1,
        odd,
        4,
    ]
    assert mailbox.num_skipped == 3
    assert mailbox.take(lambda: True) is None


def test_where_nothing_may_be_skipped_the_reader_waits():
    mailbox = Mailbox(2)
    done: list[int] = []

    def fill() -> None:
        for k in range(5):
            mailbox.put(ready(k), lambda: False)
            done.append(k)

    thread = threading.Thread(target=fill)
    thread.start()
    time.sleep(0.3)
    assert done == [0, 1]
    starts = [mailbox.take(lambda: False).window.start_seconds for _ in range(5)]  # type: ignore[union-attr]
    thread.join()
    assert starts == [0, 1, 2, 3, 4]
    assert mailbox.num_skipped == 0


@pytest.mark.slow
def test_a_slow_model_scores_the_newest_window_and_counts_the_others(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=200)
    classifier = SlowClassifier()
    classifier.seconds = 1.25  # of a window each quarter of a second: a fifth of what is needed
    watcher = make_watcher(path, classifier, stride=Fraction(1, 4))
    events = collect(watcher)
    num_windows = 6 * 4 + 1  # 8 seconds
    scored = events[-1].scored_windows
    assert scored is not None
    assert 4 <= scored <= 7
    assert scored + watcher.skipped_windows == num_windows
    assert max(event.lag_seconds or 0 for event in events) < 4  # two windows
    document = watcher.document()
    assert document is not None
    assert "windows_skipped" in [warning.code for warning in document.warnings]


# The source goes, and comes back


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr(draining, "RETRY_SECONDS", (0.1, 0.2))


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
def test_a_source_that_ends_is_lost_and_tried_again(stream):
    with StreamServer(Plan(stream, speed=4)) as server:
        watcher = make_watcher(server.url)
        events = collect(watcher, {"source_lost": 2, "source_back": 2})
    kept = [kind for kind in kinds(events) if kind not in ("step", "notice")]
    for event in events:
        jsonschema.validate(json.loads(json.dumps(event.to_dict())), make_event_schema())
    assert kept.count("started") == 1
    assert kept[-1] == "stopped"
    # What was open is closed at the loss, before it is told.
    num_open = 0
    for kind in kept:
        num_open += {"segment_open": 1, "segment_close": -1}.get(kind, 0)
        assert kind != "source_lost" or num_open == 0
    assert num_open == 0
    lost = [event for event in events if event.event == "source_lost"]
    assert [event.code for event in lost[:2]] == ["ended", "ended"]
    # The time of the watch goes on, on the grid of steps.
    back = [event.start_seconds for event in events if event.event == "source_back"]
    assert all(start is not None and start == int(start) > 0 for start in back)
    assert back == sorted(back)
    document = watcher.document()
    assert document is not None
    codes = [warning.code for warning in document.warnings]
    assert "source_lost" in codes
    starts = [step.start_seconds for step in document.timeline]
    assert starts == sorted(set(starts))


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
def test_a_source_that_falls_silent_is_lost_in_bounded_time_and_leaves_nothing(stream):
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    threads = threading.active_count()
    plans = Plan(stream, until=0.8, stalls=True), Plan(stream, speed=4)
    with StreamServer(*plans) as server:
        watcher = make_watcher(server.url)
        events = collect(watcher, {"source_back": 1})
    lost = next(event for event in events if event.event == "source_lost")
    assert lost.code == "timed_out"
    assert "silent" in (lost.message or "")
    deadline = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < deadline:
        time.sleep(0.1)
    assert threading.active_count() <= threads
    if before:
        assert len(os.listdir("/proc/self/fd")) <= len(before) + 1


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
def test_why_a_source_does_not_come_back_is_told_once(stream):
    with StreamServer(Plan(stream, speed=8)) as server:
        watcher = make_watcher(server.url)
        coming = watcher.events()
        events = []
        while not events or events[-1].event != "source_lost":
            events.append(next(coming))
    # The server is gone now, and ten tries fail.
    threading.Timer(1.5, watcher.stop).start()
    notices = [event for event in coming if event.event == "notice"]
    assert [notice.code for notice in notices] == ["network_failed"]


def test_a_source_that_is_not_there_fails_at_once():
    watcher = make_watcher("tcp://127.0.0.1:1")
    with pytest.raises(VideoError) as caught:
        collect(watcher)
    assert caught.value.code == "network_failed"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("srt://127.0.0.1:9000?mode=caller", "no SRT"),
        ("rist://127.0.0.1:9000", "no RIST"),
        ("gopher://127.0.0.1/a", "gopher:// is not known"),
        ("sftp://me:secret@127.0.0.1/a", "sftp:// is not known"),
        ("missing.ts", "no file"),
    ],
)
def test_what_can_not_be_watched_is_told_in_a_line(name, says):
    with pytest.raises(VideoError) as caught:
        open_live(name, LiveOptions(part=PART), lambda: False)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_network_may_be_switched_off():
    for name in ("rtsp://127.0.0.1/a", "http://127.0.0.1/a.m3u8", "udp://127.0.0.1:1"):
        with pytest.raises(VideoError) as caught:
            open_live(name, LiveOptions(part=Part(network=False)), lambda: False)
        assert caught.value.code == "offline"


@pytest.mark.slow
@pytest.mark.usefixtures("_impatient")
def test_data_without_a_picture_is_asked_for_anew(tmp_path, monkeypatch):
    """A connection without any key frame after the first one."""
    monkeypatch.setattr(draining, "PICTURE_SECONDS", 1.0)
    path = make_video(tmp_path / "a.ts", num_frames=100, options={"g": "500"})
    broken = tmp_path / "b.ts"
    data = bytearray(path.read_bytes())
    for begin in range(len(data) * 3 // 10 // 188 * 188, len(data), 188):
        data[begin + 60 : begin + 188] = bytes(128)  # nothing of it can be decoded
    broken.write_bytes(data)
    good = make_video(tmp_path / "c.ts", num_frames=100, options={"g": "10"})
    with StreamServer(Plan(broken, speed=1), Plan(good, speed=4)) as server:
        events = collect(make_watcher(server.url), {"source_lost": 1, "source_back": 1})
    assert {"source_lost", "source_back"} <= set(kinds(events))


class LateClassifier(FakeClassifier):
    """Takes its time over each picture, as decoding may."""

    def prepare(self, image: np.ndarray) -> np.ndarray:
        time.sleep(0.25)
        return super().prepare(image)


@pytest.mark.slow
def test_where_this_machine_is_slower_than_the_source_it_catches_up(tmp_path):
    """Eight pictures a second take two seconds; of key frames there is one a second."""
    path = make_video(tmp_path / "a.ts", num_frames=300, options={"g": "25", "bf": "0"})
    with StreamServer(Plan(path, seconds=12)) as server:
        events = collect(make_watcher(server.url, LateClassifier()), {"source_lost": 1})
    assert "frames_skipped" in [event.code for event in events]
    lags = [event.lag_seconds or 0 for event in events if event.event == "step"]
    # Were all decoded, it would be twelve seconds late at the end.
    assert lags[-1] < 5
    lost = next(event for event in events if event.event == "source_lost")
    assert lost.end_seconds == pytest.approx(12, abs=1.1)


def test_a_stream_of_which_nothing_is_kept_tells_nothing_more():
    assert stream_type(b"", 256) is None
    assert first_video(b"") is None


# Time


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200), st.floats(-1e4, 1e4))
def test_pictures_are_late_and_never_early(delays, offset):
    clock = ArrivalClock()
    for k, delay in enumerate(delays):
        clock.note(k / 10, offset + k / 10 + delay)
    last = (len(delays) - 1) / 10
    assert clock.moment(last) == pytest.approx(offset + last + min(delays), abs=1e-6)
    assert clock.lag(last, offset + last + delays[-1]) >= 0


def test_a_clock_that_runs_away_is_followed_and_told():
    clock = ArrivalClock()
    drifts = []
    for k in range(1000):  # ten per cent too slow, for 100 seconds
        clock.note(k * 0.09, 50 + k * 0.1)
        drifts.append(clock.drift(2.0))
    told = [drift for drift in drifts if drift is not None]
    assert told
    assert all(drift > 0 for drift in told)
    # Within what half a minute drifts.
    assert clock.lag(999 * 0.09, 50 + 99.9) < 4


@pytest.mark.slow
def test_timestamps_that_jump_go_on_and_are_told(tmp_path):
    first = make_video(tmp_path / "a.ts", num_frames=60, options={"g": "10"})
    ticks = [90_000 * 5000 + index * 3600 for index in range(60)]
    later = make_video(
        tmp_path / "b.ts",
        num_frames=60,
        options={"g": "10"},
        pts=ticks,
        time_base=Fraction(1, 90_000),
    )
    both = tmp_path / "c.ts"
    both.write_bytes(first.read_bytes() + later.read_bytes())
    with StreamServer(Plan(both, speed=2, seconds=4.8)) as server:
        events = collect(make_watcher(server.url), {"source_lost": 1})
    assert "clock_jumped" in [event.code for event in events]
    lost = next(event for event in events if event.event == "source_lost")
    assert lost.end_seconds is not None
    assert 4 < lost.end_seconds < 6


# Files that grow, pipes


@pytest.mark.slow
def test_a_file_that_grows_is_followed_until_it_does_not(tmp_path, stream, monkeypatch):
    monkeypatch.setattr("vidtag.video.live.GROWN_SECONDS", 1.0)
    data, path = stream.read_bytes(), tmp_path / "growing.ts"
    path.write_bytes(data[: 188 * 40])

    def grow() -> None:
        with path.open("ab") as file:
            for begin in range(188 * 40, len(data), 188 * 10):
                file.write(data[begin : begin + 188 * 10])
                file.flush()
                time.sleep(0.02)

    thread = threading.Thread(target=grow)
    thread.start()
    watcher = make_watcher(path, pace="as fast as possible", follow=True)
    events = collect(watcher)
    thread.join()
    document = Tagger(FakeClassifier(), Settings(rule=SegmentRule(min_score=0.6))).tag(path)
    seen = watcher.document()
    assert seen is not None
    assert seen.timeline == document.timeline
    assert events[-1].code == "ended"


def test_an_index_at_the_end_can_not_be_followed(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=30)
    with pytest.raises(VideoError, match="index comes last"):
        collect(make_watcher(path, follow=True))


# What is told


def test_only_the_labels_that_were_asked_for_are_told(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=150)
    watcher = make_watcher(
        path, pace="as fast as possible", indices=frozenset({1}), every_seconds=None
    )
    events = collect(watcher)
    assert {event.label for event in events if event.label} == {"middle"}
    assert "step" not in kinds(events)
    document = watcher.document()
    assert document is not None
    assert {segment.label for segment in document.segments} == {"low", "middle", "high"}


def test_steps_are_told_one_in_so_many_seconds(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=250)
    events = collect(make_watcher(path, pace="as fast as possible", every_seconds=3.0))
    starts = [event.start_seconds for event in events if event.event == "step"]
    assert starts == [0, 3, 6, 9]


@pytest.mark.slow
def test_the_document_holds_the_last_hours_alone(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=500)
    watcher = make_watcher(path, pace="as fast as possible", keep_seconds=5.0)
    collect(watcher)
    document = watcher.document()
    assert document is not None
    assert [step.start_seconds for step in document.timeline] == [15, 16, 17, 18, 19]
    assert document.sampling.start_seconds == 15
    assert all(segment.end_seconds > 15 for segment in document.segments)
    assert "older_dropped" in [warning.code for warning in document.warnings]


@pytest.mark.slow
def test_stopped_it_ends_with_what_was_scored(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=500)
    watcher = make_watcher(path)
    events = collect(watcher, {"step": 1})
    assert kinds(events)[-1] == "stopped"
    assert kinds(events).count("segment_open") == kinds(events).count("segment_close") == 1
    document = watcher.document()
    assert document is not None
    assert [warning.code for warning in document.warnings] == ["stopped"]
    assert document.timeline[-1].end_seconds == document.sampling.end_seconds == 2
    assert document.video.duration_seconds >= 2
    assert document.video.frame_rate == 25


def test_the_shortest_memory_holds_the_last_step(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=100)
    watcher = make_watcher(path, pace="as fast as possible", keep_seconds=0.1)
    collect(watcher)
    document = watcher.document()
    assert document is not None
    assert [step.start_seconds for step in document.timeline] == [3]


# Clips


def test_only_drafts_of_ours_are_cleared_away(tmp_path):
    download = tmp_path / "film.mp4.part"
    download.write_bytes(b"half of a download")
    ours = tmp_path / f".vidtag-clip-{'0' * 16}.part"
    ours.write_bytes(b"half a clip")
    for path in (download, ours):
        os.utime(path, (0, 0))
    with Recorder(str(tmp_path), tell=lambda line: None):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [download.name]


@pytest.mark.slow
def test_clips_hold_the_stream_around_segments(tmp_path, monkeypatch):
    """The frames themselves, from a key frame before the segment to after it."""
    monkeypatch.setattr("vidtag.live.clips.BEFORE_SECONDS", 0.5)
    monkeypatch.setattr("vidtag.live.clips.AFTER_SECONDS", 0.3)
    path = make_video(tmp_path / "a.ts", num_frames=300, options={"g": "5", "bf": "0"})
    folder, said = tmp_path / "clips", []
    with (
        StreamServer(Plan(path, seconds=12.0)) as server,
        Recorder(str(folder), tell=said.append) as recorder,
    ):
        watcher = make_watcher(
            server.url, on_packet=recorder.note, every_seconds=None, indices=frozenset({1})
        )
        for event in watcher.events():
            recorder.tell(event, watcher.moment)
            if event.event == "source_lost":
                watcher.stop()
            if event.event == "segment_close":
                segment = event
    assert not said
    clips = sorted(folder.iterdir())
    assert [clip.name.split(" ", 1)[1] for clip in clips] == ["middle.mp4"]
    numbers = frames_of(clips[0])
    begin, end = (segment.start_seconds, segment.end_seconds)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    # Bytes come evenly, pictures do not quite.
    assert numbers[0] % 5 == 0
    assert (begin - 1.5) * 25 <= numbers[0] <= (begin - 0.4) * 25
    assert end * 25 <= numbers[-1] <= (end + 2.5) * 25  # its end is told two seconds later


def frames_of(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [read_index(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def test_the_oldest_clips_make_room_and_nothing_else_does(tmp_path):
    names = [f"2026010{k}T000000Z running.mp4" for k in range(1, 5)]
    for name in (*names, "mine.mp4", "20260101T000000Z notes.txt"):
        (tmp_path / name).write_bytes(bytes(1000))
    with Recorder(str(tmp_path), limit_bytes=2000, tell=lambda line: None) as recorder:
        recorder._make_room()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*names[2:], "mine.mp4", "20260101T000000Z notes.txt"]
    )
