"""How fast is vidtag on this machine? One command prints one table.

python tests/benchmarks/speed.py [--quick]

Times drift on shared machines, so what is compared runs in turns, and ratios of medians count.
The model is VideoMAE-base with random weights (the arithmetic is that of the real ones); the
video is rendered here: 12 s of 1080p30 H.264. All of it runs on the CPU; where there is a CUDA
device, a second table follows for that.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np

from vidtag import LoadOptions, Tagger
from vidtag.models.device import cpu_has_bf16, cpu_lacks_int8
from vidtag.tagging.calibrating import calibrate

HERE = Path(__file__).parent
SECONDS = 12
PRECISIONS = ("bf16", "fp32") if cpu_has_bf16() else ("fp32",)


def make_video(path: Path, seconds: float, size: tuple[int, int] = (1920, 1080)) -> None:
    """Write a moving pattern with noise, which costs about what a camera's picture costs."""
    rng = np.random.default_rng(0)
    width, height = size
    texture = rng.integers(0, 255, (height // 8 + 64, width // 8 + 64, 3), np.uint8)
    texture = texture.repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for n in range(round(seconds * 30)):
            y, x = n * 3 % 500, n * 5 % 500
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(texture[y : y + height, x : x + width])
            )
            frame.pts, frame.time_base = n, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def make_model(folder: Path) -> Path:
    """Write VideoMAE-base with random weights in the hub's format."""
    import torch
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    torch.manual_seed(0)
    VideoMAEForVideoClassification(VideoMAEConfig(num_labels=400)).save_pretrained(folder)
    preprocessor = {
        "image_processor_type": "VideoMAEImageProcessor",
        "do_resize": True, "size": {"shortest_edge": 224},
        "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
        "do_rescale": True, "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


def timed(command: list[str]) -> float:
    """Run a process to its end; return its seconds."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def vidtag(*arguments: str, device: str = "cpu") -> list[str]:
    """Return the command line of a run of vidtag."""
    return [sys.executable, "-m", "vidtag", *arguments, "--device", device]


def first_row(arguments: list[str]) -> float:
    """Return the seconds until a new process has scored its first step."""
    script = (
        "import sys\nfrom vidtag import LoadOptions, Tagger\n"
        "load = LoadOptions(model=sys.argv[1], device='cpu')\n"
        "with Tagger(load).open(sys.argv[2]) as videos:\n"
        "    step = next(iter(next(iter(videos))))\n"
        "    print(step.tags[0].label, flush=True)\n"
    )
    began = time.perf_counter()
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - began
        process.communicate()
    return seconds


def peak_mb(command: list[str]) -> float:
    """Return the most memory that a process held."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, capture_output=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], check=True, capture_output=True, text=True
    )
    return int(done.stdout) / 1024


def gemm_gflops(precision: str) -> float:
    """Measure the machine's matrix product, as large as those of VideoMAE-base."""
    import openvino as ov
    from openvino import opset13 as op

    m, k, n = 1568, 768, 3072
    x = op.parameter([m, k], np.float32)
    weights = np.random.default_rng(0).standard_normal((k, n), np.float32)
    y = x
    for _ in range(8):
        y = op.matmul(op.matmul(y, op.constant(weights), False, False),
                      op.constant(weights.T.copy()), False, False)  # fmt: skip
    model = ov.Model([op.reduce_sum(y, op.constant([0, 1]), False)], [x])
    hint = {"bf16": "bf16", "fp32": "f32"}[precision]
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    data = np.random.default_rng(1).standard_normal((m, k), np.float32) * 1e-3
    compiled(data)
    best = min(_seconds(lambda: compiled(data)) for _ in range(5))
    return 16 * 2 * m * k * n / best / 1e9


def _seconds(work: object) -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


def gpu_gemm_gflops(device: str) -> float:
    """Measure a device's matrix product in bf16, large enough to fill any."""
    import torch

    n = 8192
    x, y = (torch.randn(n, n, dtype=torch.bfloat16, device=device) for _ in range(2))

    def multiply() -> None:
        for _ in range(10):
            x @ y
        float((x[0, 0] + y[0, 0]).cpu())  # awaits the queue

    multiply()
    best = min(_seconds(multiply) for _ in range(5))
    return 10 * 2 * n**3 / best / 1e9


def model_gflops(folder: Path, precision: str, device: str = "cpu") -> tuple[float, float]:
    """Run the model alone; return GFLOP/s and seconds per window."""
    from vidtag.models.config import read_config
    from vidtag.models.cost import model_cost
    from vidtag.models.load import load_classifier
    from vidtag.models.options import LoadOptions

    classifier = load_classifier(LoadOptions(model=str(folder), precision=precision, device=device))
    size = classifier.info.batch_size
    clips = np.random.default_rng(0).integers(0, 255, (size, 16, 224, 224, 3), np.uint8)
    classifier.logits(clips)
    best = min(_seconds(lambda: classifier.logits(clips)) for _ in range(5)) / size
    cost = model_cost(read_config(folder, folder.name))
    assert cost is not None
    return cost.gflops / best, best


def cpu_name() -> str:
    """Name the processor; by name alone, generations of twice the speed can't be told apart."""
    facts = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        facts[name.strip()] = value.strip()
    return f"{facts.get('model name')} (family {facts.get('cpu family')}, model {facts['model']})"


def row(what: str, value: str, note: str = "") -> None:
    """Print a row of the table."""
    sys.stdout.write(f"| {what} | {value} | {note} |\n")
    sys.stdout.flush()


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs and shorter videos")
    quick = parser.parse_args().quick
    # Of the writing of the model, nothing is to be seen.
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    runs = 1 if quick else 3
    with tempfile.TemporaryDirectory() as work:
        os.environ["VIDTAG_CACHE_DIR"] = f"{work}/cache"
        folder = Path(work)
        model = make_model(folder / "base")
        clip = folder / "clip.mp4"
        make_video(clip, SECONDS)
        row(f"{os.cpu_count()} cores of {cpu_name()}", "", f"Python {platform.python_version()}")
        row("---", "---", "---")
        slow, whole = against_others(model, clip, runs)
        phases(model, clip, slow, whole)
        less_work(folder, model, runs)
        strides(model, clip)
        memory(folder, [1, 2] if quick else [1, 10, 60])
        batch(folder, 50 if quick else 1000)
        gpu(folder, model, 10 if quick else 120)


def against_others(model: Path, clip: Path, runs: int) -> tuple[float, float]:
    """Whole processes in turns; return the seconds of the Hugging Face way, and of vidtag."""
    ours = vidtag(str(clip), "-m", str(model), "--json", "--no-cache")
    commands = {
        "the Hugging Face way": [
            sys.executable, str(HERE / "hugging_face_way.py"), str(model), str(clip)
        ],
        "by hand": [sys.executable, str(HERE / "by_hand.py"), str(model), str(clip)],
        "vidtag": ours,
    }  # fmt: skip
    if cpu_has_bf16():
        commands["vidtag --precision fp32"] = [*ours, "--precision", "fp32"]
    for command in commands.values():
        timed(command)  # warm: the converted model is made, files are in memory
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seconds[name].append(timed(command))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    slow = medians["the Hugging Face way"]
    for name, taken in medians.items():
        row(f"{name}, {SECONDS} s of 1080p", f"{taken:.2f} s", f"{slow / taken:.2f} times as fast")
    return slow, medians["vidtag"]


def phases(model: Path, clip: Path, slow: float, whole: float) -> None:
    """The model alone against the machine's peak, and where the time of a run goes.

    What the windows take at that peak is the least that any program takes: beside the Hugging
    Face way's `slow` seconds it tells how much faster this processor lets one be.
    """
    for precision in PRECISIONS:
        before = gemm_gflops(precision)
        speed, seconds = model_gflops(model, precision)
        peak = max(before, gemm_gflops(precision))  # the machine drifts
        row(f"model alone, {precision}", f"{seconds:.3f} s per window",
            f"{speed:.0f} of {peak:.0f} GFLOP/s: {speed / peak:.0%} of the peak")  # fmt: skip
        least = (SECONDS - 1) * seconds * speed / peak
        row(f"{SECONDS - 1} windows at the peak, {precision}", f"{least:.2f} s",
            f"{slow / least:.2f} times as fast, if all else took no time")  # fmt: skip
        if precision == PRECISIONS[0]:
            row("vidtag against that", f"{whole / least:.2f} times as long", "the whole process")
    ours = vidtag(str(clip), "-m", str(model), "--json")
    document = json.loads(
        subprocess.run([*ours, "--no-cache"], check=True, capture_output=True).stdout
    )
    whole = timed([*ours, "--no-cache"])  # the one whose phases are told
    timing = document["timing"]
    rest = whole - max(timing["model_seconds"], timing["decode_seconds"])
    row("decoding and preparing", f"{timing['decode_seconds']:.2f} s", "beside the model")
    row(
        "model",
        f"{timing['model_seconds']:.2f} s",
        f"{document['sampling']['num_windows']} windows",
    )
    row("all the rest", f"{rest:.2f} s", "start, imports, loading, table")
    known = statistics.median(first_row([str(model), str(clip)]) for _ in range(3))
    row("first step known", f"{known:.2f} s", "from the keypress")
    timed(ours)
    row("again, from stored scores", f"{timed(ours):.2f} s", "whole process")
    row("vidtag --help", f"{min(timed(vidtag('--help')) for _ in range(3)):.2f} s", "")


def less_work(folder: Path, model: Path, runs: int) -> None:
    """What shortcuts save of the model's time: repeated windows, --fast, int8."""
    frames, times = held_recording()
    exact = Tagger(model, device="cpu")
    exact.tag(frames[:2], times=times[:2])  # warm
    document = exact.tag(frames, times=times)
    with patch("vidtag.tagging.running._are_equal", lambda *_: False):
        every = exact.tag(frames, times=times).timing.model_seconds
    timing, num_windows = document.timing, document.sampling.num_windows
    row("recording held for 80 %, model", f"{timing.model_seconds:.2f} s",
        f"{every / timing.model_seconds:.2f} times as fast: {timing.num_repeated_windows} of "
        f"{num_windows} windows repeat")  # fmt: skip
    from still import base

    base(model, runs + 1)
    if cpu_lacks_int8():
        row("--precision int8", "not measured", "the processor has no 8-bit products")
    else:
        int8(folder, model, runs)


def int8(folder: Path, model: Path, runs: int) -> None:
    """The time of a window in int8, calibrated on moving patterns."""
    clips = []
    for k in range(4):
        clips.append(folder / f"int8 {k}.mp4")
        make_video(clips[-1], SECONDS, size=(320 + 16 * k, 240))
    calibrate(clips, LoadOptions(model=model, offline=True))
    windows = np.random.default_rng(0).integers(0, 256, (1, 16, 224, 224, 3), np.uint8)
    seconds: dict[str, list[float]] = {precision: [] for precision in (PRECISIONS[0], "int8")}
    classifiers = {one: Tagger(model, device="cpu", precision=one).classifier for one in seconds}
    for turn in range(runs + 2):
        for precision, classifier in classifiers.items():
            began = time.perf_counter()
            classifier.logits(windows)
            if turn:
                seconds[precision].append(time.perf_counter() - began)
    best = {precision: min(taken) for precision, taken in seconds.items()}
    row("--precision int8", f"{best['int8']:.3f} s per window",
        f"{best['int8'] / best[PRECISIONS[0]]:.2f} of {PRECISIONS[0]}")  # fmt: skip


def held_recording() -> tuple[np.ndarray, list[Fraction]]:
    """Draw a screen recording at a variable rate: 4 s that move, 16 s held."""
    rng = np.random.default_rng(0)
    moving = rng.integers(0, 256, (32, 240, 320, 3), np.uint8)
    times = [Fraction(k, 8) for k in range(32)]
    # The last one stays as long as the gap before it, so two of them end it at 20 s.
    ends = [Fraction(20) - Fraction(k, 8) for k in (2, 1)]
    return np.concatenate([moving, moving[-1:], moving[-1:]]), [*times, *ends]


def strides(model: Path, clip: Path) -> None:
    """Windows a second against the stride."""
    for stride in ("0.5", "1", "2"):
        command = vidtag(str(clip), "-m", str(model), "--json", "--no-cache", "--stride", stride)
        began = time.perf_counter()
        document = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        windows = document["sampling"]["num_windows"]
        taken = time.perf_counter() - began
        row(f"--stride {stride}", f"{windows / taken:.2f} windows/s", f"{windows} windows")


def memory(folder: Path, minutes: list[int]) -> None:
    """Peak memory against length, with the demo model."""
    base = 0.0
    for length in minutes:
        clip = folder / f"{length}.mp4"
        make_video(clip, 60 * length, size=(320, 240))
        if not base:  # the run that converts the model needs torch, and its memory
            timed(vidtag(str(clip), "-m", "demo", "--no-cache"))
        peak = peak_mb(vidtag(str(clip), "-m", "demo", "--json", "--no-cache"))
        base = base or peak
        row(f"memory, {length} min of video", f"{peak:.0f} MB", f"{peak / base - 1:+.1%}")


def batch(folder: Path, count: int) -> None:
    """Overhead per video in a batch of short clips, beyond decoding and the model."""
    clips = folder / "clips"
    clips.mkdir()
    make_video(clips / "0.mp4", 2, size=(320, 240))
    content = (clips / "0.mp4").read_bytes()
    for n in range(1, count):
        # A trailing free box makes each file another one, and changes no frame.
        box = f"free{n:08d}".encode()
        (clips / f"{n}.mp4").write_bytes(content + (len(box) + 4).to_bytes(4, "big") + box)
    began = time.perf_counter()
    done = subprocess.run(
        vidtag(str(clips), "-m", "demo", "--json", "--no-cache", "-q"),
        check=True,
        capture_output=True,
    )
    taken = time.perf_counter() - began
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    needed = sum(
        max(one["timing"]["decode_seconds"], one["timing"]["model_seconds"]) for one in documents
    )
    row(f"batch of {count} clips of 2 s", f"{1000 * (taken - needed) / count:.1f} ms per video",
        f"beyond decoding and model; {taken:.1f} s in all")  # fmt: skip


def gpu(folder: Path, model: Path, seconds: int) -> None:
    """On a CUDA device: the model alone against its peak, a whole run and what limits it."""
    import torch

    if not torch.cuda.is_available():
        return
    row(f"{torch.cuda.get_device_name()}, {os.cpu_count()} cores", "", f"torch {torch.__version__}")
    row("---", "---", "---")
    on_device(folder, model, seconds, "cuda")


def on_device(folder: Path, model: Path, seconds: int, device: str) -> None:
    """Measure one torch device in bf16."""
    before = gpu_gemm_gflops(device)
    speed, taken = model_gflops(model, "bf16", device)
    peak = max(before, gpu_gemm_gflops(device))
    note = f"{speed / 1e3:.1f} of {peak / 1e3:.1f} TFLOP/s: {speed / peak:.0%} of the peak"
    row("model alone, bf16", f"{1 / taken:.1f} windows/s", note)
    clip = folder / "long.mp4"
    make_video(clip, seconds)
    ours = vidtag(str(clip), "-m", str(model), "--json", "--no-cache", device=device)
    began = time.perf_counter()
    document = json.loads(subprocess.run(ours, check=True, capture_output=True).stdout)
    whole = time.perf_counter() - began
    timing, windows = document["timing"], document["sampling"]["num_windows"]
    row(f"vidtag, {seconds} s of 1080p", f"{whole:.2f} s", f"{windows / whole:.1f} windows/s")
    parts = {
        "decoding and preparing": timing["decode_seconds"],
        "the model": timing["model_seconds"],
        "start and end": whole - timing["total_seconds"],
    }
    limit = max(parts, key=lambda part: float(parts[part]))
    row("most of that", f"{parts[limit]:.2f} s", f"{limit} is the limit")


if __name__ == "__main__":
    main()
