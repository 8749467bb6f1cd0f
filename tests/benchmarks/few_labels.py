"""How many labels does `vidtag train` need, and what is unlabelled footage good for?

    python tests/benchmarks/few_labels.py FOLDER [--part few|domain] [--quick] [--seeds 0 1 2]

Renders five actions that no shipped model saw, trains on 1, 5, 20 and 100 clips of each, five times
over, and asks about others; beside it, the same last layer on raw pixels, and the model trained
from nothing. Then a lab's story: footage of another look, unlabelled, and few labels. What is done
is kept in FOLDER, and not done again; two runs with other seeds may share the work.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "sample_videos")]

import numpy as np  # noqa: E402 - the paths come first
import torch  # noqa: E402
from figures.actions import NOVELTIES  # noqa: E402
from figures.clips import Look, write_clips  # noqa: E402

from vidtag import LoadOptions, ScoreStore, Settings  # noqa: E402
from vidtag.clips.reading import open_part  # noqa: E402
from vidtag.formats.truths.truth import LabelledVideo, Truths  # noqa: E402
from vidtag.models.load import load_classifier  # noqa: E402
from vidtag.tagging.tagger import Tagger  # noqa: E402
from vidtag.training.examples import (  # noqa: E402
    Examples,
    StoringFeatures,
    gather_examples,
)
from vidtag.training.fine_tuning import FullOptions, train_full  # noqa: E402
from vidtag.training.head import fit  # noqa: E402
from vidtag.training.head_training import TrainOptions, train_head  # noqa: E402
from vidtag.training.pretraining import PretrainOptions, pretrain  # noqa: E402
from vidtag.video.options import Part  # noqa: E402

LABELS = tuple(action.label for action in NOVELTIES)
NUM_TEST, NUM_TRAIN = 60, 150
COUNTS = (1, 5, 20, 100)
EPOCHS = 30
"""Of all weights: what `vidtag train --full` does."""

DOMAIN_EPOCHS = 100
"""Of the lab's few labels, which make two updates an epoch."""


def row(*cells: object) -> None:
    """Print a row of a Markdown table."""
    sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    sys.stdout.flush()


def truths_of(paths: Sequence[Path]) -> Truths:
    """Make labels of a folder per label."""
    videos = [LabelledVideo(path=str(path), label=path.parent.name) for path in paths]
    return Truths(videos=tuple(videos), labels=LABELS)


def choose(paths: Sequence[Path], count: int, seed: int) -> list[Path]:
    """Draw so many clips of each label."""
    rng = np.random.default_rng([seed, count])
    chosen = []
    for label in LABELS:
        own = [path for path in paths if path.parent.name == label]
        chosen += [own[k] for k in rng.permutation(len(own))[:count]]
    return chosen


def accuracy(model: Path, test: Sequence[Path], store: ScoreStore | None = None) -> float:
    """Ask a model about clips that it has not seen: the share of right answers."""
    load = LoadOptions(model=model, device="cpu", engine="torch", precision="fp32")
    tagger = Tagger(load_classifier(load), Settings(), store=store)
    said = [tagger.labels[int(tagger.score(str(path)).logits.mean(0).argmax())] for path in test]
    return float(np.mean([name == path.parent.name for name, path in zip(said, test, strict=True)]))


def pixels_of(path: Path, prepare: Callable[[Any], Any], grid: Any) -> np.ndarray:
    """Give a clip as small grey pictures, `(16 * 24 * 24,)`."""
    with open_part(str(path), Part(), grid, prepare) as reading:
        clip = np.stack(next(iter(reading)).clip).astype(np.float32).mean(-1)
    return clip.reshape(16, 24, 4, 24, 4).mean((2, 4)).ravel()


def head_accuracy(
    chosen: Sequence[Path], test: Sequence[Path], known: dict[Path, np.ndarray]
) -> float:
    """Fit a last layer, as `vidtag train` does, to what is known of clips, and ask about others."""
    index = {label: k for k, label in enumerate(LABELS)}
    examples = Examples(
        features=np.stack([known[path] for path in chosen]),
        targets=np.array([index[path.parent.name] for path in chosen]),
        videos=np.arange(len(chosen)),
        whole=np.ones(len(chosen), bool),
        subsets=(None,) * len(chosen),
        paths=tuple(map(str, chosen)),
        labels=LABELS,
        notes=(),
    )
    head = fit(examples, "none", 0).head
    said = head.logits(np.stack([known[path] for path in test])).argmax(1)
    return float(np.mean([LABELS[k] == p.parent.name for k, p in zip(said, test, strict=True)]))


class Kept:
    """Results in a file, so that what was measured is not measured again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = json.loads(path.read_text()) if path.is_file() else {}

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a result, and measure it where it is not there yet."""
        if name not in self._known:
            made = make()
            self._known = json.loads(self._path.read_text()) if self._path.is_file() else {}
            self._known[name] = made
            self._path.write_text(json.dumps(self._known, indent=1))
        return self._known[name]


def interval(values: Sequence[float]) -> str:
    """Write a mean with the 95 % interval of five or so runs (Student's t)."""
    t = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}.get(len(values))
    mean = float(np.mean(values))
    if t is None:
        return f"{mean:.1%}"
    half = t * float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return f"{mean:.1%} ± {half:.1%}"


def options(model: str | Path, seed: int, epochs: int) -> FullOptions:
    """Say how all weights are trained here."""
    load = LoadOptions(model=model, device="cpu", engine="torch", precision="fp32")
    rate = 1e-3 if "nothing" in str(model) else 3e-4
    return FullOptions(load=load, settings=Settings(), epochs=epochs, rate=rate, seed=seed)


def blank_model(folder: Path) -> Path:
    """Write the demo model with weights that know nothing."""
    path = folder / "nothing"
    if not (path / "config.json").is_file():
        import shutil

        from figures.dataset import PROCESSOR
        from figures.training import build_model

        torch.manual_seed(0)
        build_model(LABELS).save_pretrained(path)
        (path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
        shutil.rmtree(path / "none", ignore_errors=True)
    return path


def few_labels(folder: Path, kept: Kept, *, quick: bool) -> None:
    """Measure the last layer on the demo encoder, on pixels, and training from nothing."""
    train = write_clips(folder / "train", "few train", LABELS, NUM_TRAIN)
    test = write_clips(folder / "test", "few test", LABELS, NUM_TEST)
    load = LoadOptions(model="demo", device="cpu")
    demo: Any = load_classifier(load)
    grid = Tagger(demo).grid
    pixels = {path: pixels_of(path, demo.prepare, grid) for path in (*train, *test)}
    seeds = range(2 if quick else 5)
    with ScoreStore(folder / "store") as store:
        storing = StoringFeatures(demo, 192)
        read = gather_examples(
            truths_of([*train, *test]), storing, store, Settings(), lambda done, total: None
        )
        features = dict(zip(map(Path, read.paths), read.features, strict=True))
        row("clips of each action", "last layer on the demo encoder", "on raw pixels",
            "from nothing")  # fmt: skip
        row("---", "---", "---", "---")
        for count in COUNTS:
            results: dict[str, list[float]] = {"head": [], "raw": [], "blank": []}
            for seed in seeds:
                chosen = choose(train, count, seed)
                makers: dict[str, Callable[[], float]] = {
                    "head": partial(head_accuracy, chosen, test, features),
                    "raw": partial(head_accuracy, chosen, test, pixels),
                }
                if seed < (3 if count <= 20 else 1):  # it takes minutes, and of 100 clips many
                    makers["blank"] = partial(blank_accuracy, folder, chosen, test, seed)
                for name, make in makers.items():
                    results[name].append(kept.get(f"{name} {count} {seed}", make))
            row(count, *(interval(values) if values else "" for values in results.values()))

        def again() -> float:
            began = time.monotonic()
            how = TrainOptions(load=load, settings=Settings())
            made = str(folder / "made")
            train_head(truths_of(choose(train, 100, 0)), made, how, store=store)
            return time.monotonic() - began

        row("vidtag train, 500 clips that were read before", f"{kept.get('again', again):.1f} s")


def blank_accuracy(folder: Path, chosen: Sequence[Path], test: Sequence[Path], seed: int) -> float:
    """Train all weights from nothing."""
    made = folder / "blank"
    train_full(truths_of(chosen), str(made), options(blank_model(folder), seed, EPOCHS))
    return accuracy(made, test)


def other_domain(folder: Path, kept: Kept, seeds: Sequence[int], *, quick: bool) -> None:
    """Measure what unlabelled footage of another look is good for."""
    look: Look = "cellar"
    steps, per_label, count, epochs = (40, 20, 10, 2) if quick else (3000, 300, 10, DOMAIN_EPOCHS)
    unlabelled = write_clips(folder / "cellar", "cellar plain", LABELS, per_label, look)
    train = write_clips(folder / "cellar-train", "cellar train", LABELS, 40, look)
    test = write_clips(folder / "cellar-test", "cellar test", LABELS, NUM_TEST, look)
    blank = blank_model(folder)

    def make_pretrained(base: str | Path, name: str) -> float:
        load = LoadOptions(model=base, device="cpu", engine="torch", precision="fp32")
        how = PretrainOptions(
            load=load, settings=Settings(), num_steps=steps, batch_size=16,
            rate=1e-3 if base == blank else 3e-4,  # what knows something is to keep it
            from_nothing=base == blank,
        )  # fmt: skip
        return pretrain(sorted(map(str, unlabelled)), str(folder / name), how).last_loss

    starts = {
        "nothing": blank,
        "nothing, pretrained on it": folder / "nothing-cellar",
        "the demo encoder": "demo",
        "the demo encoder, pretrained on it": folder / "demo-cellar",
    }
    found: dict[str, list[float]] = {name: [] for name in starts}
    for seed in seeds[:1] if quick else seeds:
        chosen = choose(train, count, seed)
        for name, start in starts.items():

            def full(
                chosen: list[Path] = chosen, seed: int = seed, start: str | Path = start
            ) -> float:
                if isinstance(start, Path) and start != blank and not start.is_dir():
                    make_pretrained(blank if "nothing" in start.name else "demo", start.name)
                made = folder / f"made-full-{seed}"
                train_full(truths_of(chosen), str(made), options(start, seed, epochs))
                return accuracy(made, test)

            found[name].append(kept.get(f"domain {name} {seed}", full))
    row(f"labels: {count} clips of each action", "right")
    row("---", "---")
    for name, values in found.items():
        row(f"--full from {name}", interval(values))


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("few", "domain"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    kept = Kept(asked.folder / "results.json")
    if asked.part in (None, "few"):
        few_labels(asked.folder, kept, quick=asked.quick)
    if asked.part in (None, "domain"):
        other_domain(asked.folder, kept, asked.seeds, quick=asked.quick)


if __name__ == "__main__":
    main()
