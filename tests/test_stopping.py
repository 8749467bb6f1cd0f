"""A run that ends before its time: what is kept of it, and how it ends."""

import contextlib
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from fake_classifier import FakeClassifier
from make_video import make_video

from vidtag import Part, ScoreStore, Settings, Tagger, stopping
from vidtag.documents.stored import read_documents

COMMAND = Path(__file__).parent / "fake_command.py"

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("stopping")


@pytest.fixture(scope="module")
def clip(folder) -> Path:
    return make_video(folder / "clip.mp4", num_frames=150, fps=25, size=(64, 48))


@pytest.fixture(scope="module")
def stream(folder) -> bytes:
    return make_video(folder / "clip.ts", num_frames=150, fps=25, size=(64, 48)).read_bytes()


class Run:
    """The command in a process, of which a signal is to come when it has come so far."""

    def __init__(self, *arguments: object, stdin: int | None = None, ignored=(), **values: str):
        def ignore() -> None:
            for one in CODES:
                signal.signal(one, signal.SIG_IGN if one in ignored else signal.SIG_DFL)

        self.process = subprocess.Popen(
            [sys.executable, COMMAND, *map(str, arguments)], stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=ignore,
            env={**os.environ, **values},
        )  # fmt: skip
        self.err = b""
        self.guard = threading.Timer(60, self.process.kill)
        self.guard.daemon = True
        self.guard.start()

    def wait_for(self, *lines: str) -> "Run":
        """Wait until all of them were said on stderr, in any order."""
        assert self.process.stderr is not None
        missing = set(lines)
        while missing:
            said = self.process.stderr.readline()
            assert said, self.err
            self.err += said
            missing.discard(said.strip().decode())
        return self

    def end(self, *signals: signal.Signals) -> tuple[int, str, str]:
        for one in signals:
            self.process.send_signal(one)
        out, err = self.process.communicate()
        self.guard.cancel()
        assert b"Traceback" not in self.err + err
        return self.process.returncode, out.decode(), (self.err + err).decode()


@pytest.fixture
def pipe(stream) -> Iterator[int]:
    """A pipe through which the first four fifths of a video came, and which stays open."""
    read, write = os.pipe()
    thread = threading.Thread(target=_feed, args=(write, stream[: len(stream) * 4 // 5]))
    thread.start()
    yield read
    os.close(read)
    thread.join()
    os.close(write)


def _feed(write: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(write, data)


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
def test_a_stopped_stream_keeps_what_is_known(pipe, number):
    run = Run("-", "--json", stdin=pipe).wait_for("scored 2")
    code, out, err = run.end(number)
    assert code == CODES[number]
    [document] = read_documents(out, "out")
    end = document.sampling.end_seconds
    assert document.sampling.num_windows == end - 1 >= 2
    assert document.warnings[-1].code == "stopped"
    assert [step.start_seconds for step in document.timeline] == list(range(int(end)))
    assert document.timeline[-1].end_seconds == end
    assert document.segments[0].label == "low"
    assert err.splitlines()[-1] == f"stopped at 0:0{end:g}; --start 0:0{end:g} goes on there."


@pytest.mark.slow
def test_every_format_tells_what_is_known(pipe):
    code, out, _ = Run("-", "-f", "srt", stdin=pipe).wait_for("scored 2").end(signal.SIGINT)
    assert (code, out.splitlines()[2]) == (130, "low")


@pytest.mark.slow
def test_hits_that_were_found_are_told(pipe):
    run = Run("grep", "low", "-", "--no-cache", stdin=pipe).wait_for("scored 3")
    code, out, _ = run.end(signal.SIGINT)
    assert (code, out.split(":")[-2]) == (130, "low")


@pytest.mark.slow
def test_what_was_scored_of_a_file_is_taken_by_the_next_run(clip, tmp_path):
    cache = {"VIDTAG_CACHE_DIR": str(tmp_path)}
    run = Run(clip, "--json", FRAMES="34", **cache).wait_for("waiting", "scored 3")
    code, out, err = run.end(signal.SIGINT)
    assert code == 130
    first = json.loads(out)
    assert (first["sampling"]["end_seconds"], first["video"]["duration_seconds"]) == (4.0, 6.0)
    assert first["video"]["content_id"] is not None
    assert err.splitlines()[-1] == (
        "stopped at 0:04; run it again to go on there: what was scored is stored."
    )
    code, out, err = Run(clip, "--json", **cache).end()
    assert (code, err.count("scored")) == (0, 2)
    again = json.loads(out)
    whole = json.loads(Run(clip, "--json", "--no-cache").end()[1])
    for document in (again, whole):
        del document["timing"]
    assert again == whole
    assert again["warnings"] == []


@pytest.mark.slow
def test_a_stopped_video_leaves_no_file(clip, tmp_path):
    output = tmp_path / "one.json"
    run = Run(clip, "-o", output, FRAMES="34").wait_for("waiting")
    code, out, err = run.end(signal.SIGTERM)
    assert (code, out) == (143, "")
    assert os.listdir(tmp_path) == []
    assert f"'{output}' was not written; run it again to go on there" in err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["all.jsonl", "all.csv", "all/"])
def test_finished_videos_of_a_batch_stay(clip, tmp_path, name):
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes())
    (tmp_path / "out").mkdir()
    arguments = [clip, other, "--no-cache", "-o", f"{tmp_path}/out/{name}"]
    run = Run(*arguments, FRAMES="80").wait_for("waiting", "scored 5")
    code, _, err = run.end(signal.SIGTERM, signal.SIGTERM)
    assert code == 143
    assert "stopped: 1 of 2 videos are tagged; go on with --skip-existing." in err
    files = {path.name: path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert not [name for name in files if name.endswith(".tmp")]
    written = files["clip.mp4.json" if name == "all/" else name].read_text()
    assert "clip.mp4" in written
    assert "other.mp4" not in written


@pytest.mark.slow
def test_finished_videos_on_stdout_stay_where_a_format_needs_all(clip, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes())
    run = Run(clip, other, "--no-cache", "-f", "activitynet", FRAMES="80")
    code, out, _ = run.wait_for("waiting", "scored 5").end(signal.SIGINT)
    assert code == 130
    assert list(json.loads(out)["results"]) == ["clip"]


@pytest.mark.slow
def test_nothing_is_printed_where_nothing_is_known(pipe):
    code, out, err = (
        Run("-", "--json", stdin=pipe, FRAMES="5").wait_for("waiting").end(signal.SIGINT)
    )
    assert (code, out, err) == (130, "", "waiting\n")


@pytest.mark.slow
def test_a_second_signal_ends_at_once(clip):
    run = Run(clip, "--json", SCORED="2").wait_for("scored 2")  # and now it is within the model
    for _ in range(40):
        run.process.send_signal(signal.SIGINT)
        try:
            run.process.wait(2 * stopping.ECHO_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        break
    assert run.end()[:2] == (130, "")


@pytest.mark.slow
def test_an_echo_of_a_signal_is_not_a_second_one(pipe):
    run = Run("-", "--json", stdin=pipe).wait_for("scored 2")
    code, out, _ = run.end(signal.SIGTERM, signal.SIGTERM)
    assert code == 143
    assert json.loads(out)["warnings"][-1]["code"] == "stopped"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_was_ignored_stays_ignored(stream, number):
    read, write = os.pipe()
    run = Run("-", "--json", stdin=read, ignored=(number,))
    os.close(read)
    os.write(write, stream)
    run.wait_for("scored 2").process.send_signal(number)
    os.close(write)
    code, out, _ = run.end()
    assert (code, json.loads(out)["sampling"]["end_seconds"]) == (0, 6.0)


@pytest.mark.slow
def test_a_signal_may_come_at_any_moment(clip, tmp_path):
    # From the first line of Python to the result: imports, the model, threads, files.
    # The signals take turns, since one is handled like another but for its exit code.
    script = "from vidtag.__main__ import main; print('go', file=sys.stderr, flush=True); main()"
    for tenth, number in zip(range(12), itertools.cycle(CODES), strict=False):
        process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; {script}", str(clip), "-m", "demo", "--no-cache",
             "-o", str(tmp_path / "one.json")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        process.stderr.readline()
        try:
            process.wait(tenth / 10 + 0.02)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        _, err = process.communicate(timeout=60)
        # Before the first line of vidtag runs, the system ends it.
        assert process.returncode in (0, CODES[number], -number), (tenth, err)
        assert b"Traceback" not in err, (tenth, err)
        assert {path.name for path in tmp_path.iterdir()} <= {"one.json"}


def test_a_block_that_is_held_is_not_torn(monkeypatch):
    monkeypatch.setattr(stopping, "_state", stopping._State())
    done = []

    def work() -> None:
        with stopping.held(lambda: done.append("told")):
            with stopping.held():
                stopping._handle(signal.SIGTERM, None)
                stopping._handle(signal.SIGTERM, None)
                done.append("inner")
            stopping.check()
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["told", "inner", "outer"]
    assert stopping.exit_code() == 143
    with pytest.raises(KeyboardInterrupt):
        stopping.check()


def test_a_signal_outside_of_such_a_block_comes_at_once(monkeypatch):
    monkeypatch.setattr(stopping, "_state", stopping._State())
    assert stopping.exit_code() is None
    with pytest.raises(KeyboardInterrupt):
        stopping._handle(signal.SIGHUP, None)
    with stopping.held():
        pass


# From Python


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize(
    ("settings", "num_steps", "end"),
    [
        (Settings(), 2, 4),
        (Settings(stride_seconds=Fraction(1, 2)), 3, None),
        (Settings(window_seconds=1, stride_seconds=2), 1, None),
        (Settings(read=Part(start=1, end=Fraction(9, 2))), 1, 4),
    ],
)
def test_the_steps_of_a_stopped_video_tile_what_was_seen(
    clip, settings, num_steps, end, batch_size
):
    tagger = Tagger(FakeClassifier(batch_size=batch_size), settings)
    with tagger.open(clip, clip) as videos:
        video, other = iter(videos), None
        first = next(video)
        steps = iter(first)
        for _ in range(num_steps):
            next(steps)
        first.stop()
        document = first.document()
        other = next(video).document()
    edges = [(step.start_seconds, step.end_seconds) for step in document.timeline]
    assert edges[0][0] == document.sampling.start_seconds
    assert edges[-1][1] == document.sampling.end_seconds == float(first.stopped_seconds)
    assert all(one[1] == two[0] for one, two in itertools.pairwise(edges))
    assert len(edges) >= num_steps
    if end is not None and batch_size == 1:
        assert document.sampling.end_seconds == end
    codes = [warning.code for warning in document.warnings]
    assert "stopped" in codes
    assert document.video.duration_seconds == 6.0
    assert "stopped" not in [warning.code for warning in other.warnings]
    assert other.sampling.end_seconds == (4.5 if settings.read.end else 6.0)


def test_what_was_odd_by_then_is_told(tmp_path):
    path = make_video(tmp_path / "clip.h264", num_frames=150, fps=25, size=(64, 48))
    with Tagger(FakeClassifier()).open(path) as videos:
        video = next(iter(videos))
        next(iter(video))
        video.stop()
        codes = [warning.code for warning in video.document().warnings]
    assert "timestamps_missing" in codes
    assert codes[-1] == "stopped"


def test_a_video_that_was_stopped_too_early_has_no_document(clip):
    with Tagger(FakeClassifier()).open(clip) as videos:
        video = next(iter(videos))
        video.stop()
        assert not video.is_known
        with pytest.raises(ValueError, match="before anything was known"):
            video.document()


def test_a_document_that_is_asked_for_too_late_does_not_wait_for_ever(clip):
    with Tagger(FakeClassifier()).open(clip) as videos:
        video = next(iter(videos))
        next(iter(video))
    assert video.document().warnings[-1].code == "stopped"


def test_a_stopped_run_is_not_stored_as_a_finished_one(clip, tmp_path):
    store = ScoreStore(tmp_path)
    whole = Tagger(FakeClassifier()).tag(clip)
    with Tagger(FakeClassifier(), store=store).open(clip) as videos:
        video = next(iter(videos))
        next(iter(video))
        video.stop()
        assert video.document().warnings[-1].code == "stopped"
        assert video.is_stored
    again = Tagger(FakeClassifier(), store=store).tag(clip)
    assert not again.timing.from_cache
    assert dataclasses.replace(again, timing=None) == dataclasses.replace(whole, timing=None)
    store.close()
