"""What do words of one's own cost on this machine? One command prints one table.

python tests/benchmarks/words.py [--quick]

X-CLIP B/32 with random weights (the arithmetic is that of the real ones) beside VideoMAE-base, in
turns, on 12 s of 1080p30; then X-CLIP with 1, 10, 100 and 1,000 words beside none, and other words
on a video that was tagged before. All of it runs on the CPU. The words are spelt letter by letter,
since CLIP's own vocabulary can't be had without the network: a text takes longer than it would.
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
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from speed import SECONDS, cpu_name, make_model, make_video, row, timed, vidtag  # noqa: E402
from tiny_models import preprocessor_values  # noqa: E402
from tiny_word_models import make_tokenizer  # noqa: E402

from vidtag.cache.contents import SETTLED_NS  # noqa: E402

COUNTS = (1, 10, 100, 1000)


def make_xclip(folder: Path) -> Path:
    """Write X-CLIP B/32 with random weights in the hub's format."""
    import torch
    from transformers import XCLIPConfig, XCLIPModel

    torch.manual_seed(0)
    XCLIPModel(XCLIPConfig(text_config={}, vision_config={})).save_pretrained(folder)
    make_tokenizer("xclip").save_pretrained(folder)
    _, preprocessor = preprocessor_values("videomae", 224)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


def words(count: int) -> list[str]:
    """Write options that give so many words, none of which the model has read before."""
    return [part for k in range(count) for part in ("--label", f"doing {k} of {count}")]


def against_base(folder: Path, xclip: Path, clip: Path, runs: int) -> None:
    """Whole processes in turns: VideoMAE-base and X-CLIP, both without words."""
    base = make_model(folder / "base")
    commands = {
        name: vidtag(str(clip), "-m", str(model), "--json", "--no-cache")
        for name, model in (("VideoMAE-base", base), ("X-CLIP B/32", xclip))
    }
    for command in commands.values():
        timed(command)  # warm: the converted model is made, texts are read, files are in memory
    time.sleep(SETTLED_NS / 1e9 + 1)  # until then, files are hashed again by every run
    for command in commands.values():
        timed(command)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            seconds[name].append(timed(command))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, taken in medians.items():
        ratio = medians["VideoMAE-base"] / taken
        row(f"{name}, {SECONDS} s of 1080p", f"{taken:.2f} s", f"{ratio:.2f} times as fast as base")


def against_none(xclip: Path, clip: Path, runs: int) -> None:
    """Words beside none, in turns: the first time they are read, and every time after."""
    commands = {
        count: vidtag(str(clip), "-m", str(xclip), "--json", "--no-cache", *words(count))
        for count in (0, *COUNTS)
    }
    reading = {count: timed(command) for count, command in commands.items()}
    seconds: dict[int, list[float]] = {count: [] for count in commands}
    for _ in range(runs):
        for count, command in commands.items():
            seconds[count].append(timed(command))
    medians = {count: statistics.median(taken) for count, taken in seconds.items()}
    for count in COUNTS:
        row(f"{count:,} words", f"{medians[count]:.2f} s",
            f"{medians[count] / medians[0]:.2f} times a run without words; "
            f"{reading[count] - medians[count]:.1f} s more to read them once")  # fmt: skip


def from_stored(xclip: Path, clip: Path, runs: int) -> None:
    """Other words on a video that was tagged: neither decoding nor video tower."""
    usual = vidtag(str(clip), "-m", str(xclip), "--json")
    timed(usual)
    taken = []
    for k in range(runs):
        labels = [part for n in range(10) for part in ("--label", f"other {k} {n}")]
        command = [*usual, *labels]
        document = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        assert document["timing"]["from_cache"]
        other = [label.replace("other", "more") for label in labels]
        taken.append(timed([*usual, *other]))
    row("10 new words on a tagged video", f"{statistics.median(taken):.2f} s", "whole process")


def precision(xclip: Path) -> None:
    """By how much bf16 turns the direction of a video, which the temperature makes large."""
    from vidtag.models.load import load_classifier
    from vidtag.models.options import LoadOptions

    clips = np.random.default_rng(0).integers(0, 255, (2, 8, 224, 224, 3), np.uint8)
    seen = {}
    for name in ("fp32", "bf16"):
        classifier = load_classifier(
            LoadOptions(model=str(xclip), precision=name, device="cpu", labels=("a", "b"))
        )
        seen[name] = classifier.features(clips)[:, :512]  # type: ignore[attr-defined]
    cosine = (seen["fp32"] * seen["bf16"]).sum(axis=1) / np.linalg.norm(seen["bf16"], axis=1)
    row("bf16 beside fp32", f"{1 - cosine.min():.1e}", "1 - cosine of a video's two directions")


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    runs = 1 if parser.parse_args().quick else 5
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    with tempfile.TemporaryDirectory() as work:
        os.environ["VIDTAG_CACHE_DIR"] = f"{work}/cache"
        folder = Path(work)
        xclip = make_xclip(folder / "xclip")
        clip = folder / "clip.mp4"
        make_video(clip, SECONDS)
        row(f"{os.cpu_count()} cores of {cpu_name()}", "", f"Python {platform.python_version()}")
        row("---", "---", "---")
        against_base(folder, xclip, clip, runs)
        against_none(xclip, clip, runs)
        from_stored(xclip, clip, runs)
        precision(xclip)


if __name__ == "__main__":
    main()
