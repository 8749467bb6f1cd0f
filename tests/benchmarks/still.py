"""What does computing still patches once change, and what does it save? One command.

python tests/benchmarks/still.py [--quick] [FOLDER]

First the demo model: exact and with patches that stand still computed once, at several thresholds,
on the sample videos and on the 120 sequences that its model card is about; how much of the time the
best label is the same, and how much of it is right. Then, where a folder of videos is named, how
much stands still in each as VideoMAE sees it, at its own threshold: that needs no weights. Then
VideoMAE-base with random weights: the time of a window by how much of it stands still.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
SAMPLES = PROJECT / "sample_videos"
sys.path += [str(HERE.parent), str(SAMPLES)]

from figures.dataset import make_sequence  # noqa: E402
from speed import cpu_name, make_model, row  # noqa: E402
from tiny_models import make_tiny_model  # noqa: E402

from vidtag import Tagger  # noqa: E402
from vidtag.clips.reading import open_part  # noqa: E402
from vidtag.errors import VidtagError  # noqa: E402
from vidtag.inputs.finding import find_inputs  # noqa: E402
from vidtag.models.fast import FastClassifier  # noqa: E402
from vidtag.models.load import load_classifier  # noqa: E402
from vidtag.models.options import LoadOptions  # noqa: E402
from vidtag.tagging.document import VideoScores  # noqa: E402
from vidtag.timeline.steps import Step  # noqa: E402
from vidtag.video.given import Pictures, take_source  # noqa: E402

THRESHOLDS = (0.01, 0.02, 0.05, 0.1)
SHARES = (0, 25, 50, 75)

Truth = tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Video:
    """A video with what is true of it."""

    source: str | Pictures
    truth: Truth
    """(start, end, index of the label)"""


def tell(line: str) -> None:
    """Print a line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def samples(labels: list[str]) -> list[Video]:
    """Return the sample videos with their truth files."""
    videos = []
    for truth in sorted(SAMPLES.glob("*.json")):
        path = next(p for p in SAMPLES.glob(f"{truth.stem}.*") if p.suffix != ".json")
        segments = json.loads(truth.read_text())["segments"]
        spans = tuple(
            (s["start_seconds"], s["end_seconds"], labels.index(s["label"])) for s in segments
        )
        videos.append(Video(str(path), spans))
    return videos


def sequences(count: int) -> list[Video]:
    """Render the sequences that the model card is about, half of them changing at any time."""
    made = [
        make_sequence("test", index, whole_seconds=whole, seed=0)
        for whole in (True, False)
        for index in range(count // 2)
    ]
    return [Video(take_source(one.samples, fps=8), one.truth) for one in made]


def tagger_at(threshold: float | None) -> Tagger:
    """Make a tagger of the demo model, exact or at a threshold."""
    fast = threshold is not None
    classifier = load_classifier(LoadOptions(model="demo", device="cpu", fast=fast))
    if isinstance(classifier, FastClassifier):
        assert threshold is not None
        rule = replace(classifier._rule, threshold=threshold)
        info = replace(classifier.info, still_threshold=threshold)
        classifier = FastClassifier(classifier._engine, rule, info)
    return Tagger(classifier)


def steps_of(scored: VideoScores) -> tuple[Step, ...]:
    return scored.timeline()[0]


def agreement(videos: list[Video], exact: list[VideoScores], tagger: Tagger) -> list[float]:
    """Return the shares of tokens, of the time with the same best label, and with the right one."""
    seconds = same = right = tokens = windows = 0.0
    for video, reference in zip(videos, exact, strict=True):
        scored = score(tagger, video)
        shares = scored.still_shares
        tokens += len(scored) if shares is None else float((1 - shares).sum())
        windows += len(scored)
        for step, other in zip(steps_of(scored), steps_of(reference), strict=True):
            length = float(step.end_seconds - step.start_seconds)
            best = int(step.scores.argmax())
            seconds += length
            same += length * (best == other.scores.argmax())
            right += sum(
                max(0.0, min(float(step.end_seconds), end) - max(float(step.start_seconds), start))
                for start, end, index in video.truth
                if index == best
            )
    return [tokens / windows, same / seconds, right / seconds]


def score(tagger: Tagger, video: Video) -> VideoScores:
    with tagger.open(video.source) as opened:  # type: ignore[arg-type]
        return next(iter(opened)).scores()


def demo(count: int) -> None:
    """Print how far the demo model agrees with itself."""
    exact = tagger_at(None)
    sets = {"samples": samples(list(exact.labels)), f"{count} sequences": sequences(count)}
    tell("\n| demo model, best label | tokens | as the exact model | right |\n|---|---|---|---|")
    for name, videos in sets.items():
        reference = [score(exact, video) for video in videos]
        for threshold in (None, *THRESHOLDS):
            tagger = exact if threshold is None else tagger_at(threshold)
            shares = agreement(videos, reference, tagger)
            what = "exact" if threshold is None else f"threshold {threshold:g}"
            tell(f"| {name}, {what} | {' | '.join(f'{100 * one:.2f} %' for one in shares)} |")


def footage(folder: str, work: Path) -> None:
    """Print how much stands still in videos as VideoMAE sees them."""
    model = make_tiny_model(work / "eyes", image_size=224)
    classifier = load_classifier(LoadOptions(model=model, device="cpu", fast=True))
    assert isinstance(classifier, FastClassifier)
    grid, part = Tagger(classifier).grid, Tagger(classifier).settings.read
    tell(f"\n| {Path(folder).name} | windows | still |\n|---|---|---|")
    shares: dict[str, list[float]] = {}
    for item in find_inputs([folder], recursive=True).items:
        try:
            with open_part(item.source, part, grid, classifier.prepare) as reading:
                shares[str(item.name)] = [
                    classifier._rule.find(np.stack(window.clip)).still_share for window in reading
                ]
        except VidtagError:
            continue  # it can't be read, which is told by those who tag it
    for name, own in sorted(shares.items(), key=lambda pair: np.mean(pair[1])):
        tell(f"| {name} | {len(own)} | {np.mean(own):.0%} |")


def clip_of(share: int) -> np.ndarray:
    """Draw a clip of VideoMAE-base's size in which so many of a hundred patches stand still."""
    rng = np.random.default_rng(share)
    clip = rng.integers(0, 256, (16, 224, 224, 3), np.uint8)
    patches = clip.reshape(8, 2, 14, 16, 14, 16, 3)
    still = np.arange(196) < round(196 * share / 100 * 8 / 7)
    for place in np.flatnonzero(still):
        patches[:, :, place // 14, :, place % 14] = patches[0, 0, place // 14, :, place % 14]
    return clip


def base(model: Path, runs: int) -> None:
    """Print the time of a window of VideoMAE-base by how much of it stands still."""
    exact, fast = (
        load_classifier(LoadOptions(model=model, device="cpu", fast=fast)) for fast in (False, True)
    )
    assert isinstance(fast, FastClassifier)
    clips = {share: clip_of(share)[None] for share in SHARES}
    times: dict[int | None, list[float]] = {None: [], **{share: [] for share in SHARES}}
    for turn in range(runs + 1):
        for share, clip in clips.items():
            for key, classifier in ((None, exact), (share, fast)):
                began = time.perf_counter()
                classifier.logits(clip)
                if turn:  # the first turn warms up
                    times[key].append(time.perf_counter() - began)
    whole = min(times[None])  # what it shows makes no difference to the exact model
    row("without --fast", f"{whole:.3f} s per window", "")
    for share in SHARES:
        part = min(times[share])
        found = fast._rule.find(clips[share][0]).still_share
        row(
            f"--fast, {found:.0%} still",
            f"{part:.3f} s per window",
            f"{whole / part:.2f} times as fast as without",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="videos whose still shares are printed")
    parser.add_argument("--quick", action="store_true", help="fewer sequences and turns")
    options = parser.parse_args()
    row(f"VideoMAE-base on {cpu_name()}", "", "")
    with tempfile.TemporaryDirectory() as work:
        tell("| --- | --- | --- |")
        base(make_model(Path(work) / "base"), 2 if options.quick else 5)
        if options.folder:
            footage(options.folder, Path(work))
    demo(8 if options.quick else 120)


if __name__ == "__main__":
    main()
