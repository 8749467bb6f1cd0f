"""How soon does `vidtag watch` tell what happens? The samples, looped, in real time.

    python tests/benchmarks/live.py [--minutes 10] [--protocol rtsp|udp|hls] [--min-score 0.4]

Serves the samples, one after the other and over again, by GStreamer's RTSP server, as a transport
stream over UDP, or as HLS, and watches them with the demo model. Prints how long after its true
start each action is told, which are missed and which are invented, and what it costs. Needs ffmpeg,
and for RTSP what `tests/rtsp_server.py` names.
"""

import argparse
import functools
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_videos"
FFMPEG = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-y")
JOIN_SECONDS = 8
"""What began before it was watched, or so shortly before the end, is not asked for."""


def free_port() -> int:
    """Find a port that nobody listens to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def print_row(*cells: object) -> None:
    """Print a row of a Markdown table."""
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def length(path: Path) -> float:
    """Measure how long a video's pictures last."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
        ends = [(packet.pts + (packet.duration or 0)) * stream.time_base for packet in packets]
    return float(max(ends))


def make_loop(folder: Path, minutes: float) -> tuple[Path, list[tuple[str, float, float]]]:
    """Join the samples, as often as it takes; return the file, and what happens in it when."""
    truths = sorted(SAMPLES.glob("*.json"))
    videos = [next(p for p in SAMPLES.glob(f"{t.stem}.*") if p != t) for t in truths]
    parts = []
    for k in range(len(videos)):
        parts.append(
            f"[{k}:v]scale='if(gt(iw,ih),-2,480)':'if(gt(iw,ih),480,-2)',crop=480:480,setsar=1,"
            f"fps=25[v{k}]"
        )
    joined = "".join(f"[v{k}]" for k in range(len(videos)))
    graph = ";".join([*parts, f"{joined}concat=n={len(videos)}:v=1:a=0[out]"])
    named = [word for video in videos for word in ("-i", str(video))]
    once, all_ = folder / "once.mp4", folder / "all.mp4"
    how = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-g", "25", "-bf", "0")
    subprocess.run(
        [*FFMPEG, *named, "-filter_complex", graph, "-map", "[out]", *how, str(once)], check=True
    )
    seconds = length(once)
    times = max(1, round(minutes * 60 / seconds))
    loop = ("-stream_loop", str(times - 1))
    subprocess.run([*FFMPEG, *loop, "-i", str(once), "-c", "copy", str(all_)], check=True)
    events: list[tuple[str, float, float]] = []
    begin = 0.0
    for truth, video in zip(truths, videos, strict=True):
        own = length(video)
        for one in json.loads(truth.read_text())["segments"]:
            end = min(one["end_seconds"], own)
            events.append((one["label"], begin + one["start_seconds"], begin + end))
        begin += own
    scale = seconds / begin  # a frame or two were lost where they were joined
    looped = [
        (label, k * seconds + start * scale, k * seconds + end * scale)
        for k in range(times)
        for label, start, end in events
    ]
    return all_, looped


@contextmanager
def served(protocol: str, video: Path, folder: Path, began: list[float]) -> Iterator[str]:
    """Serve a video in real time; yield where. Notes in `began` when it began."""
    port = free_port()
    with ExitStack() as stack:
        if protocol == "rtsp":
            server = subprocess.Popen(
                ["/usr/bin/python3", ROOT / "tests/rtsp_server.py", video, str(port)],
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(server.wait)
            stack.callback(server.kill)
            assert server.stdout is not None
            server.stdout.readline()

            def note() -> None:
                for line in server.stdout or ():
                    began.append(float(line.split()[1]))

            threading.Thread(target=note, daemon=True).start()
            yield f"rtsp://127.0.0.1:{port}/live"
            return
        send = [*FFMPEG, "-re", "-i", str(video), "-c", "copy"]
        if protocol == "udp":
            target = f"udp://127.0.0.1:{port}"
            command = [*send, "-f", "mpegts", f"{target}?pkt_size=1316"]
        else:
            flags = ("-hls_time", "2", "-hls_list_size", "5", "-hls_flags", "delete_segments")
            command = [*send, "-f", "hls", *flags, str(folder / "live.m3u8")]
            handler = functools.partial(_Quiet, directory=str(folder))
            http_server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
            threading.Thread(target=http_server.serve_forever, daemon=True).start()
            stack.callback(http_server.shutdown)
            target = f"http://127.0.0.1:{port}/live.m3u8"

        def start() -> None:
            time.sleep(4 if protocol == "udp" else 0)  # once the watch listens
            began.append(time.time())
            sender = subprocess.Popen(command)
            stack.callback(sender.wait)
            stack.callback(sender.kill)

        if protocol == "udp":
            threading.Thread(target=start, daemon=True).start()
        else:
            start()
            time.sleep(5)  # the list is there once its first piece is
        yield target


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def watch(
    target: str, seconds: float, min_score: float
) -> tuple[list[dict[str, Any]], list[float], float, list[int]]:
    """Watch for some time; return events, when each was told, the CPU share, and the memory."""
    command = [sys.executable, "-m", "vidtag", "watch", target, "-m", "demo", "-q", "--json"]
    process = subprocess.Popen(
        [*command, "--min-score", str(min_score)], stdout=subprocess.PIPE, text=True
    )
    events: list[dict[str, Any]] = []
    told: list[float] = []

    def read() -> None:
        for line in process.stdout or ():
            told.append(time.time())
            events.append(json.loads(line))

    reader = threading.Thread(target=read)
    reader.start()
    while not events and process.poll() is None:
        time.sleep(0.05)
    ticks = os.sysconf("SC_CLK_TCK")
    memory: list[int] = []
    before, began = _cpu(process.pid), time.time()
    while time.time() - began < seconds and process.poll() is None:
        time.sleep(min(5.0, seconds))
        if process.poll() is None:
            memory.append(_memory(process.pid))
            used, elapsed = (_cpu(process.pid) - before) / ticks, time.time() - began
        if any(event["event"] == "source_lost" for event in events):
            break  # it was all played
    process.terminate()
    reader.join()
    process.wait()
    return events, told, used / elapsed, memory


def _cpu(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def segments_of(
    events: Sequence[dict[str, Any]], told: Sequence[float], began: float
) -> list[tuple[str, float, float, float]]:
    """List label, start, end and when it was told, in seconds since it began to play."""
    ends = {
        (event["label"], event["start_seconds"]): event
        for event in events
        if event["event"] == "segment_close"
    }
    found = []
    for event, at in zip(events, told, strict=True):
        if event["event"] == "segment_open":
            begin = datetime.fromisoformat(event["utc"]).timestamp() - began
            close = ends.get((event["label"], event["start_seconds"]))
            seconds = 1.0 if close is None else close["end_seconds"] - event["start_seconds"]
            found.append((event["label"], begin, begin + seconds, at - began))
    return found


def judge(
    truth: Sequence[tuple[str, float, float]],
    found: Sequence[tuple[str, float, float, float]],
    delay: float,
) -> tuple[list[float], list[str], list[str]]:
    """Compare what was told with what happened, where the stream came late by a delay."""
    first = min(begin for _, begin, _, _ in found) - delay
    last = max(end for _, _, end, _ in found) - delay
    late, missed, used = [], [], set()
    for label, start, end in truth:
        hits = [
            k
            for k, (name, begin, until, _) in enumerate(found)
            if name == label and begin - delay < end and until - delay > start
        ]
        used |= set(hits)
        if start < first - 1 or end > last - JOIN_SECONDS:
            continue
        if hits:
            late.append(min(found[k][3] for k in hits) - start)
        else:
            missed.append(f"{label} at {start:.0f} s")
    invented = [
        f"{name} at {begin - delay:.0f} s for {until - begin:.0f} s"
        for k, (name, begin, until, _) in enumerate(found)
        if k not in used
    ]
    return late, missed, invented


def main() -> None:
    """Serve, watch, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--protocol", choices=("rtsp", "udp", "hls"), default="rtsp")
    parser.add_argument("--min-score", type=float, default=0.3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video, truth = make_loop(folder, asked.minutes)
        began: list[float] = []
        with served(asked.protocol, video, folder, began) as target:
            seconds = asked.minutes * 60
            events, told, cpu, memory = watch(target, seconds, asked.min_score)
    found = segments_of(events, told, began[0])
    # What of the way is the protocol's own: how late the pictures come themselves.
    delays = np.arange(0, 15, 0.1)
    delay = float(max(delays, key=lambda d: -abs(_shift(truth, found, d))))
    late, missed, invented = judge(truth, found, delay)
    own = np.array(late) - delay
    print_row(
        *("protocol", "actions", "told after, median", "95 %", "at most", "of it the protocol's"),
        *("missed", "invented", "windows skipped", "CPU", "memory after 1 min, at the end"),
    )
    print_row(*["---"] * 11)
    megabytes = [round(one / 1024) for one in memory]
    print_row(
        f"{asked.protocol}, --min-score {asked.min_score:g}", len(late),
        f"{np.median(late):.2f} s", f"{np.percentile(late, 95):.2f} s", f"{max(late):.2f} s",
        f"{delay:.1f} s ({np.median(own):.2f} s without)", len(missed), len(invented),
        events[-1]["skipped_windows"], f"{cpu:.0%} of a core",
        f"{megabytes[min(11, len(megabytes) - 1)]}, {megabytes[-1]} MB",
    )  # fmt: skip
    for line in (*(f"missed: {one}" for one in missed), *(f"invented: {one}" for one in invented)):
        sys.stdout.write(f"{line}\n")


def _shift(
    truth: Sequence[tuple[str, float, float]],
    found: Sequence[tuple[str, float, float, float]],
    delay: float,
) -> float:
    """Tell by how much segments begin after what they are of, were the stream so late."""
    shifts = []
    for name, begin, _, _ in found:
        starts = [start for label, start, _ in truth if label == name]
        if starts:
            shifts.append(min((begin - delay - start for start in starts), key=abs))
    return float(np.median(shifts)) if shifts else 0.0


if __name__ == "__main__":
    main()
