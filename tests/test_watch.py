"""`vidtag watch` as a command: lines, files, programs, signals."""

import http.server
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from make_video import make_video
from stream_server import Plan, StreamServer

from vidtag.cli.watch_run import parse_size
from vidtag.errors import OutputError, UsageError
from vidtag.live.acting import Actor, parse_command
from vidtag.outputs.daily import DailyLines

COMMAND = [sys.executable, str(Path(__file__).parent / "fake_command.py")]
ROOT = Path(__file__).parents[1]
DOCS = (ROOT / ".github" / "docs" / "watch.md").read_text()


def run(*args: str, **kwargs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "watch", *args], capture_output=True, text=True, timeout=60, **kwargs
    )


def start(*args: str, **kwargs) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, "watch", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        **kwargs,
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> str:
    """Give six seconds, with another label every two."""
    return str(make_video(tmp_path_factory.mktemp("watch") / "clip.mp4", num_frames=150))


@pytest.fixture(scope="module")
def stream(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("watch") / "stream.ts"
    return make_video(path, num_frames=250, options={"g": "10"})


FAST = "--as-fast-as-possible"


@pytest.mark.slow
def test_a_line_of_json_is_an_event_as_the_schema_has_it(clip):
    done = run(clip, FAST, "--every", "2", "--min-score", "0.6")
    assert done.returncode == 0, done.stderr
    printed = subprocess.run(
        [sys.executable, "-m", "vidtag", "schema", "--events"], capture_output=True, check=True
    )
    schema = json.loads(printed.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    for event in events:
        jsonschema.validate(event, schema)
        assert set(event) >= {
            *("event", "label", "score", "start_seconds", "end_seconds", "utc", "lag_seconds"),
            "skipped_windows",
        }
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] == "stopped"
    assert kinds.count("step") == 3
    assert kinds.count("segment_open") == kinds.count("segment_close") == 3


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_closes_what_is_open_and_writes_the_document(stream, tmp_path, number, code):
    seen = tmp_path / "seen.json"
    with (
        StreamServer(Plan(stream, seconds=10)) as server,
        start(server.url, "-o", str(seen), "--min-score", "0.6") as process,
    ):
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1]["event"] == "segment_open":
                process.send_signal(number)
        process.wait(20)
    assert process.returncode == code
    kinds = [line["event"] for line in lines]
    assert kinds.count("segment_open") == kinds.count("segment_close") == 1
    assert kinds[-1] == "stopped"
    document = json.loads(seen.read_text())
    assert len(document["segments"]) == 1
    assert [warning["code"] for warning in document["warnings"]] == ["stopped"]


@pytest.mark.slow
def test_events_and_the_document_go_where_they_are_asked_to(clip, tmp_path):
    log, seen, page = tmp_path / "events.jsonl", tmp_path / "seen.json", tmp_path / "seen.srt"
    log.write_text('{"event": "earlier"}\n{"half a li')
    outputs = ("-o", str(log), "-o", str(seen), "-o", str(page))
    done = run(clip, FAST, *outputs, "--min-score", "0.6")
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    assert lines[:2] == ['{"event": "earlier"}', '{"half a li']
    assert "\n".join(lines[2:]) + "\n" == done.stdout
    tagged = subprocess.run(
        [*COMMAND, clip, "--json", "--min-score", "0.6"], capture_output=True, check=True
    )
    document, other = json.loads(seen.read_text()), json.loads(tagged.stdout)
    for part in ("timeline", "segments", "summary", "tags", "sampling", "settings", "model"):
        assert document[part] == other[part]
    assert page.read_text().startswith("1\n00:00:00,000 --> ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("{clip}", "-o", "seen.xyz"), "What to write to 'seen.xyz' is not known"),
        (("{clip}", "-o", "{clip}"), "clip.mp4"),
        (("{clip}", "--exec", "no-such-program-of-mine"), "there is no program"),
        (("{clip}", "--exec", "'"), "no command"),
        (("{clip}", "--only", "zzz"), "no label of fake matches"),
        (("{clip}", "--clips-limit", "many"), "no size"),
        (("{clip}", "--keep", "0"), "more than 0 hours"),
        (("rtsp://127.0.0.1/a", FAST), "what happens now can't wait"),
        (("{clip}", FAST, "--clips", "clips"), "leave out"),
        (("-", "--follow"), "--follow is for files"),
        (("{clip}", "--min-score", "2"), "--min-score 2"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(clip, tmp_path, args, says):
    done = run(*(arg.format(clip=clip) for arg in args), cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


@pytest.mark.slow
def test_a_source_that_is_not_there_is_one_line_without_the_password():
    done = run("rtsp://me:secret@127.0.0.1:1/live")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line != "scored 1"] == [
        "vidtag: Could not read 'rtsp://127.0.0.1:1/live': no connection could be made; check the "
        "address, or try again."
    ]


@pytest.mark.slow
def test_a_reader_that_is_gone_ends_it(stream):
    with (
        StreamServer(Plan(stream, seconds=10)) as server,
        start(server.url, "--every", "0") as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 0


@pytest.mark.slow
def test_the_document_is_written_also_where_the_reader_of_stdout_is_gone(clip, tmp_path):
    seen = tmp_path / "seen.json"
    with start(clip, FAST, "--every", "0", "-o", str(seen)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 0
    # What was scored until the pipe broke.
    assert not seen.exists() or json.loads(seen.read_text())["schema_version"] == 1


@pytest.mark.slow
def test_where_the_document_can_not_go_is_told_at_the_start(clip):
    done = run(clip, FAST, "-o", "no-folder/seen.json")
    assert done.returncode != 0
    assert "There is no folder" in done.stderr
    assert not done.stdout


@pytest.mark.slow
def test_on_a_terminal_there_is_a_live_table(clip):
    main, side = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "watch", clip, FAST, "--min-score", "0.6"],
        stdin=side,
        stdout=side,
        stderr=side,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(side)
    shown = b""
    while True:
        try:
            data = os.read(main, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(main)
    assert process.wait(20) == 0
    last = shown.decode().rpartition("windows skipped")[2]
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last)
    for label in ("low", "middle", "high"):
        assert label in text
    assert "{" not in text


# --exec


def test_a_command_gets_each_event_in_order_and_no_shell(tmp_path):
    told: list[str] = []
    out = tmp_path / "out"
    marker = tmp_path / "marker"
    nasty = json.dumps({"label": f"$(touch {marker}) `touch {marker}`; touch {marker} 'é\u202e"})
    command = parse_command(f"sh -c 'cat >> {out}'")
    with Actor(command, told.append) as actor:
        for k in range(20):
            actor.add(json.dumps({"k": k}))
        actor.add(nasty)
    lines = out.read_text().splitlines()
    assert [json.loads(line)["k"] for line in lines[:-1]] == list(range(20))
    assert lines[-1] == nasty
    assert not marker.exists()
    assert not told


@pytest.mark.slow
def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path):
    told: list[str] = []
    command = parse_command(f"sh -c 'sleep 30; touch {tmp_path / 'late'}'")
    began = time.monotonic()
    with Actor(command, told.append, limit_seconds=0.3) as actor:
        for _ in range(4):
            actor.add("{}")
    assert time.monotonic() - began < 10
    assert len(told) == 3  # the first, second and fourth time
    assert "took more than 0.3 s" in told[0]
    assert "4 times by now" in told[-1]


@pytest.mark.slow
def test_events_give_way_where_a_command_is_too_slow(monkeypatch):
    monkeypatch.setattr("vidtag.live.acting.MAX_WAITING", 3)
    told: list[str] = []
    with Actor(parse_command("sleep 0.3"), told.append) as actor:
        for k in range(10):
            actor.add(str(k))
        num_dropped = actor.num_dropped
    assert 6 <= num_dropped <= 7
    assert "too slow" in told[0]


def test_a_command_that_fails_is_told():
    told: list[str] = []
    with Actor(parse_command("sh -c 'exit 3'"), told.append) as actor:
        actor.add("{}")
    assert told == ["--exec sh -c 'exit 3' ended with 3."]


# Files a day


def test_at_midnight_a_file_gets_its_days_name(tmp_path):
    days = [date(2026, 11, 29)]
    lines = DailyLines(str(tmp_path / "e.jsonl"), today=lambda: days[0])
    lines.add("one")
    days[0] = date(2026, 11, 30)
    lines.add("two")
    days[0] = date(2026, 11, 29)  # this machine's clock was set back
    lines.add("three")
    (tmp_path / "e.2026-11-30.jsonl").write_text("somebody's\n")
    days[0] = date(2026, 12, 1)
    lines.add("four")
    lines.close()
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {
        "e.2026-11-29.jsonl": "one\n",
        "e.2026-11-30.jsonl": "somebody's\n",
        "e.2026-11-30.2.jsonl": "two\nthree\n",
        "e.jsonl": "four\n",
    }


def test_what_an_earlier_day_left_is_put_away(tmp_path):
    path = tmp_path / "e.jsonl"
    path.write_text("old\n")
    os.utime(path, (0, 0))
    lines = DailyLines(str(path))
    lines.add("new")
    lines.close()
    assert path.read_text() == "new\n"
    assert (tmp_path / "e.1970-01-01.jsonl").read_text() == "old\n"


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path):
    days = [date(2026, 11, 29)]
    path = tmp_path / "e.jsonl"
    lines = DailyLines(str(path), today=lambda: days[0])
    lines.add("one")
    path.rename(tmp_path / "moved")
    days[0] = date(2026, 11, 30)
    lines.add("two")
    assert path.read_text() == "two\n"
    # Another process has turned the page already: its file stays where it is.
    other = DailyLines(str(path), today=lambda: date(2026, 12, 1))
    days[0] = date(2026, 12, 1)
    lines.add("three")
    other.add("four")
    lines.close()
    other.close()
    assert "three\nfour\n" in path.read_text()


def test_a_full_disk_leaves_whole_lines(tmp_path, monkeypatch):
    path = tmp_path / "e.jsonl"
    lines = DailyLines(str(path))
    lines.add("whole")
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    with pytest.raises(OutputError, match="No space left"):
        lines.add("another line")
    monkeypatch.undo()
    assert path.read_text() == "whole\n"
    lines.add("again")
    lines.close()
    assert path.read_text() == "whole\nagain\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.slow
def test_a_file_that_takes_no_more_costs_nothing_else(clip, tmp_path):
    link = tmp_path / "events.jsonl"
    link.symlink_to("/dev/full")
    done = run(clip, FAST, "-o", str(link))
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 3
    assert done.stderr.count("No space left") == 1


def test_sizes():
    assert [parse_size(text) for text in ("1", "2K", "1.5M", "3 GiB", "1tb")] == [
        1,
        2048,
        3 << 19,
        3 << 30,
        1 << 40,
    ]
    for text in ("", "0", "G", "-1G", "1X", "nan"):
        with pytest.raises(UsageError):
            parse_size(text)


# Recipes


def recipe(program: str) -> str:
    found = re.findall(rf"^vidtag watch .*\b{program}\b.*$", DOCS, re.MULTILINE)
    assert len(found) == 1
    return found[0]


def run_recipe(line: str, clip: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a recipe of the docs, on a file and with the fake model."""
    script = folder / "vidtag"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{COMMAND[1]}" "$@"\n')
    script.chmod(0o755)
    line = line.replace("rtsp://camera/stream", f"{clip} {FAST} --min-score 0.6")
    line = line.replace("-m my-model", "").replace("--only fall", "--only middle")
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", line], env={**os.environ, "PATH": path}, capture_output=True, timeout=60
    )


@pytest.mark.slow
@pytest.mark.tool("mosquitto", "mosquitto_pub", "mosquitto_sub")
def test_events_reach_a_home_by_mqtt(clip, tmp_path):
    port = free_port()
    conf = tmp_path / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with running("mosquitto", "-c", str(conf)):
        wait_for(port)
        heard = tmp_path / "heard"
        listen = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "home/vidtag"]
        with heard.open("w") as file, running(*listen, stdout=file):
            time.sleep(0.5)
            line = recipe("mosquitto_pub").replace("-h broker", f"-h 127.0.0.1 -p {port}")
            done = run_recipe(line, clip, tmp_path)
            assert done.returncode == 0, done.stderr
            time.sleep(0.5)
        assert heard.read_text() == done.stdout.decode()


@pytest.mark.slow
@pytest.mark.tool("curl")
def test_events_reach_a_webhook(clip, tmp_path):
    heard: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    try:
        line = recipe("curl").replace("http://home", f"http://127.0.0.1:{server.server_port}")
        done = run_recipe(line, clip, tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    assert [json.loads(one) for one in heard] == [
        json.loads(line) for line in done.stdout.splitlines()
    ]


@pytest.mark.slow
@pytest.mark.tool("jq")
def test_events_become_notifications(clip, tmp_path):
    notify = tmp_path / "notify-send"
    notify.write_text(f'#!/bin/sh\necho "$1:$2" >> {tmp_path}/notes\n')
    notify.chmod(0o755)
    done = run_recipe(recipe("notify-send"), clip, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "notes").read_text() == "vidtag:middle\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@contextmanager
def running(*command: str, stdout=subprocess.DEVNULL):
    process = subprocess.Popen(
        [shutil.which(command[0]) or command[0], *command[1:]],
        stdout=stdout,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
