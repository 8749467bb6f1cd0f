"""Do the maps of `vidtag explain` mean something? Measured on clips where the truth is known.

    python -m tests.benchmarks.explain_maps          # the tables; 20 minutes of CPU time
    python -m tests.benchmarks.explain_maps --cost   # time and memory on VideoMAE-base

Renders clips with seeds that no training used. Which pixels show the figure and what it holds is
known exactly: those that change when the same shot is drawn with other colours for the figure.
Nothing else of the shot depends on them.

Two questions:

1. Where does a map lie? The share of its mass on the figure, against the figure's share of the
   picture (what an even map has) and against an oracle that gives every token as much as the
   figure covers of it. (A map of the best covered tokens alone would have more: share is cheap
   for a map that says little, so look at the curves, too.)
   The pointing game: how often the strongest token shows the figure at all.
2. Is it what the model uses? Deletion: tokens are covered with the clip's mean colour, those with
   the most evidence first; the area under the label's score, from nothing covered to all of it,
   is small if the map is right. Insertion: they are uncovered in the same order; large is right.
   As this colour is also where integrated gradients begin, deletion is measured a second time
   without any colour: the tokens are left out of the transformer. Sources: Petsiuk et al. 2018,
   "RISE"; Samek et al. 2017.

Both are about the label that the model gives, right or wrong. The methods' details were chosen on
another split ("explain tuning"), never on the one that is measured here.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.make_video import make_video
from tests.tiny_models import preprocessor_values
from vidtag.explain.explanation import METHODS, TokenGrid
from vidtag.explain.methods import DEFAULT_METHOD, explain_window, token_grid, torch_network
from vidtag.explain.occlusion import mean_colour
from vidtag.explain.videomae import normalise
from vidtag.models.classifier import Classifier
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.source import find_model

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_videos"))

from figures.actions import LABELS
from figures.casting import Script, sample_shot
from figures.dataset import IMAGE_SIZE, NUM_FRAMES, on_screen_times, split_rng
from figures.rendering import render_clip

SPLIT = "explain maps"
FIGURE_LEVELS = 24
"""Of 255: from here on a pixel is the figure's; its edges are blended with what is behind."""

SHARES = np.array([0, 0.04, 0.1, 0.2, 0.35, 0.6, 1.0])
"""Shares of the tokens covered at the points of a curve; dense where it falls."""

CENTRE_WIDTH = 0.25
"""Standard deviation of the centre-weighted map, in pictures."""

BASELINES = ("random", "centre")
ALL = (*METHODS, *BASELINES, "oracle")


@dataclass(frozen=True, slots=True)
class Truth:
    """A rendered clip with what is known of it."""

    clip: NDArray[np.uint8]
    """(16, 96, 96, 3)."""
    figure: NDArray[np.bool_]
    """(16, 96, 96): the pixels of the figure and of what it holds."""
    label: str


def make_truth(index: int, seed: int = 0, split: str = SPLIT) -> Truth:
    """Draw and render clip number `index`; labels take turns."""
    rng = split_rng(split, index, seed)
    label = LABELS[index % len(LABELS)]
    shot = sample_shot(rng, Script(labels=(label,), size=(IMAGE_SIZE, IMAGE_SIZE)))
    times = 1.0 + on_screen_times(rng, NUM_FRAMES)
    bare = replace(shot, bystanders=(), film=replace(shot.film, grain=0.0))
    dark, light = (
        render_clip(
            replace(
                bare,
                look=replace(
                    shot.look,
                    **dict.fromkeys(("skin", "shirt", "trousers", "shoes", "hair"), (grey,) * 3),
                    props=((grey,) * 3,) * 4,
                ),
            ),
            times,
        ).frames.astype(np.int16)
        for grey in (0.0, 1.0)
    )
    figure = (light - dark).max(axis=-1) >= FIGURE_LEVELS
    return Truth(render_clip(shot, times).frames, figure, label)


@dataclass(frozen=True, slots=True)
class Result:
    """One map on one clip; areas only where curves were drawn."""

    mass: float
    hit: bool
    deletion: float
    insertion: float
    leaving_out: float


class Judge:
    """Compares maps on clips, for one model."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.grid: TokenGrid = token_grid(classifier)
        network = torch_network(classifier)
        if network is None:
            raise ValueError("the model must run on torch")
        self._network = network

    def scores(self, clips: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the (B, labels) scores of clips."""
        with torch.inference_mode():
            return self._network(torch.from_numpy(clips)).softmax(-1).double().numpy()

    def maps(
        self, truth: Truth, number: int, index: int, methods: tuple[str, ...]
    ) -> dict[str, NDArray[np.float64]]:
        """Make every map that is compared, (T', H', W')."""
        rng = np.random.default_rng([number, 5])
        made: dict[str, NDArray[np.float64]] = {}
        for method in methods:
            explanation = explain_window(
                self.classifier, truth.clip, index, method, (Fraction(0), Fraction(2))
            )
            made[method] = explanation.evidence.astype(np.float64)
        rows, columns = np.mgrid[: self.grid.shape[1], : self.grid.shape[2]]
        middle = (self.grid.shape[1] - 1) / 2
        far = ((rows - middle) ** 2 + (columns - middle) ** 2) / self.grid.shape[1] ** 2
        centre = np.broadcast_to(np.exp(-far / (2 * CENTRE_WIDTH**2)), self.grid.shape)
        made["random"] = rng.random(self.grid.shape)
        # Equal tokens of different times come in a random order.
        made["centre"] = centre * (1 + 1e-6 * rng.random(self.grid.shape))
        made["oracle"] = self.grid.on_tokens(truth.figure.astype(np.float32))
        return made

    def judge(self, truth: Truth, number: int, methods: tuple[str, ...]) -> dict[str, Result]:
        """Judge every map of one clip, for the label that the model gives."""
        empty = np.broadcast_to(mean_colour(truth.clip), truth.clip.shape)
        scores = self.scores(np.stack([truth.clip, empty]))
        index = int(scores[0].argmax())
        ends = float(scores[0, index]), float(scores[1, index])
        covered = self.grid.on_tokens(truth.figure.astype(np.float32))
        results = {}
        for name, values in self.maps(truth, number, index, methods).items():
            order = np.argsort(-values, axis=None, kind="stable")
            deletion, insertion = self._areas((truth.clip, empty), index, order, ends)
            results[name] = Result(
                mass=float((values * covered).sum() / values.sum()),
                hit=bool(covered.flat[order[0]] > 0),
                deletion=deletion,
                insertion=insertion,
                leaving_out=self._leaving_out(truth.clip, index, order, ends[0]),
            )
        return results

    def _areas(
        self,
        clips: tuple[NDArray[np.uint8], NDArray[np.uint8]],
        index: int,
        order: NDArray[np.int64],
        ends: tuple[float, float],
    ) -> tuple[float, float]:
        """Return the areas of deletion and insertion; their ends are the same for all maps."""
        clip, empty = clips
        deleted, inserted = [], []
        for share in SHARES[1:-1]:
            first = np.zeros(order.size, np.float32)
            first[order[: round(share * order.size)]] = 1
            mask = self.grid.on_pixels(first.reshape(self.grid.shape))[..., None] > 0
            deleted.append(np.where(mask, empty, clip))
            inserted.append(np.where(mask, clip, empty))
        scores = self.scores(np.stack(deleted + inserted))[:, index]
        full, none = ends
        half = len(deleted)
        return (
            _area(np.array([full, *scores[:half], none]), SHARES),
            _area(np.array([none, *scores[half:], full]), SHARES),
        )

    def _leaving_out(
        self, clip: NDArray[np.uint8], index: int, order: NDArray[np.int64], full: float
    ) -> float:
        """Leave the first tokens out of the transformer; its mean is that of the others."""
        model: Any = self._network.model
        scores = [full]
        with torch.inference_mode():
            tokens = model.videomae.embeddings(normalise(self._network, clip), None)
            for share in SHARES[1:-1]:
                kept = np.sort(order[round(share * order.size) :])
                state = tokens[:, torch.from_numpy(kept)]
                for layer in model.videomae.encoder.layer:
                    state = layer(state)
                logits = model.classifier(model.fc_norm(state.mean(1)))
                scores.append(float(logits.softmax(-1)[0, index]))
        return _area(np.array(scores), SHARES[:-1]) / float(SHARES[-2])


def _area(scores: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    return float(((scores[1:] + scores[:-1]) / 2 * np.diff(shares)).sum())


@dataclass(frozen=True, slots=True)
class Judged:
    """All that one clip told."""

    results: dict[str, Result]
    share: float
    right: bool


_judge: list[Judge] = []
"""One per worker process."""


def _start(model: str) -> None:
    # One thread each: on shared cores, several that wait for one another are far slower.
    torch.set_num_threads(1)
    _judge.append(
        Judge(
            load_classifier(
                LoadOptions(model=model, engine="torch", device="cpu", precision="fp32")
            )
        )
    )


def _work(job: tuple[int, tuple[str, ...]]) -> Judged:
    number, methods = job
    judge = _judge[0]
    truth = make_truth(number)
    best = int(judge.scores(truth.clip[None])[0].argmax())
    return Judged(
        judge.judge(truth, number, methods),
        float(truth.figure.mean()),
        judge.classifier.labels[best] == truth.label,
    )


def _column(results: list[dict[str, Result]], name: str, field: str) -> NDArray[np.float64]:
    return np.array([getattr(one[name], field) for one in results if name in one], np.float64)


def _place_table(results: list[dict[str, Result]], share: float) -> Table:
    table = Table(title=f"Where the maps lie: {len(results)} clips", title_justify="left")
    for heading in ("map", "mass on the figure", "of the oracle's", "pointing game"):
        table.add_column(heading, justify="left" if heading == "map" else "right")
    oracle = _column(results, "oracle", "mass").mean()
    for name in (name for name in ALL if name in results[0]):
        mass = _column(results, name, "mass").mean()
        hit = _column(results, name, "hit").mean()
        table.add_row(name, f"{mass:.1%}", f"{mass / oracle:.2f}", f"{hit:.1%}")
    table.add_row("even map (the figure's share)", f"{share:.1%}", f"{share / oracle:.2f}", "")
    return table


def _curve_table(results: list[dict[str, Result]], title: str) -> Table:
    table = Table(title=f"{title}: {len(results)} clips", title_justify="left")
    headings = ("map", "deletion ↓", "insertion ↑", "leaving out ↓")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "map" else "right")
    for name in (name for name in ALL if name in results[0]):
        cells = []
        for field in ("deletion", "insertion", "leaving_out"):
            values = _column(results, name, field)
            cells.append(f"{values.mean():.3f} ± {_margin(values):.3f}")
        table.add_row(name, *cells)
    return table


def _margin(values: NDArray[np.float64]) -> float:
    """Half width of the 95 % interval of a mean (normal approximation)."""
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def _verdicts(results: list[dict[str, Result]], share: float) -> list[tuple[str, bool]]:
    mass, oracle = (_column(results, name, "mass").mean() for name in (DEFAULT_METHOD, "oracle"))
    verdicts = [
        (
            f"{DEFAULT_METHOD} has {mass:.1%} on the figure, {mass / share:.1f} times its share "
            f"({share:.1%}) and {mass / oracle:.0%} of the oracle's",
            mass >= oracle / 2 and mass > share,
        )
    ]
    for field, sign in (("deletion", 1), ("leaving_out", 1), ("insertion", -1)):
        own = _column(results, DEFAULT_METHOD, field)
        for name in BASELINES:
            better = sign * (_column(results, name, field) - own)
            verdicts.append(
                (
                    f"{field.replace('_', ' ')}: better than {name} by {better.mean():.3f} "
                    f"± {_margin(better):.3f}, on {(better > 0).mean():.0%} of the clips",
                    better.mean() > _margin(better),
                )
            )
    return verdicts


def _make_base(folder: Path) -> None:
    """Write a VideoMAE-base of 400 labels with random weights, in the hub's format."""
    from transformers import VideoMAEConfig, VideoMAEForVideoClassification

    torch.manual_seed(0)
    VideoMAEForVideoClassification(VideoMAEConfig(num_labels=400)).save_pretrained(folder)
    name, values = preprocessor_values("videomae", 224)
    (folder / name).write_text(json.dumps(values), encoding="utf-8")


_COST = """
import os, resource, sys, time
began = time.monotonic()
from fractions import Fraction
from vidtag.explain.run import ExplainOptions, explain_video
from vidtag.models.options import LoadOptions
video, model, method = sys.argv[1:]
load = LoadOptions(model=model, device="cpu")
explain_video(ExplainOptions(source=video, load=load, at=Fraction(2), method=method))
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)
"""


def _print_cost(console: Console) -> None:
    """Explain one window with a VideoMAE-base of random weights, each method in a new process."""
    table = Table(title="One window of VideoMAE-base, from start to end of a process")
    for heading in ("method", "wall s", "CPU s", "peak GB"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    with tempfile.TemporaryDirectory() as folder:
        model, video = Path(folder) / "base", Path(folder) / "video.mp4"
        _make_base(model)
        make_video(video, num_frames=100, fps=25, size=(320, 240))
        for method in METHODS:
            done = subprocess.run(
                [sys.executable, "-c", _COST, str(video), str(model), method],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            table.add_row(method, *(f"{float(value):.1f}" for value in done.stdout.split()))
    console.print(table)
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")


def main(
    model: Annotated[str, typer.Option(help="Alias or folder.")] = "demo",
    clips: Annotated[int, typer.Option(help="For the default method and the baselines.")] = 528,
    compared: Annotated[int, typer.Option(help="For every method, of the same clips.")] = 66,
    cost: Annotated[
        bool, typer.Option(help="Measure time and memory on VideoMAE-base instead.")
    ] = False,
) -> None:
    """Judge the maps and print the tables; exit with 1 if the default method does not hold."""
    began = time.monotonic()
    console = Console(width=100)
    if cost:
        _print_cost(console)
        return
    jobs = [(n, METHODS if n < compared else (DEFAULT_METHOD,)) for n in range(clips)]
    with multiprocessing.get_context("spawn").Pool(initializer=_start, initargs=(model,)) as pool:
        done = pool.imap(_work, jobs, chunksize=2)
        judged = list(track(done, "clips", len(jobs), console=Console(stderr=True)))
    results, shares = [one.results for one in judged], [one.share for one in judged]
    found = find_model(model)
    console.print(
        f"model {found.model_id} ({found.revision}), "
        f"top-1 {np.mean([one.right for one in judged]):.1%}"
    )
    few = results[:compared]
    console.print(_place_table(few, float(np.mean(shares[:compared]))))
    console.print(_curve_table(few, "Areas under the curves, every method"))
    console.print(_place_table([_only(one) for one in results], float(np.mean(shares))))
    console.print(_curve_table([_only(one) for one in results], "Areas under the curves"))
    verdicts = _verdicts(results, float(np.mean(shares)))
    for text, holds in verdicts:
        console.print(f"{'holds' if holds else 'FAILS'}  {text}", highlight=False)
    console.print(f"{time.monotonic() - began:.0f} s")
    if not all(holds for _, holds in verdicts):
        raise typer.Exit(1)


def _only(results: dict[str, Result]) -> dict[str, Result]:
    return {name: results[name] for name in (DEFAULT_METHOD, *BASELINES, "oracle")}


if __name__ == "__main__":
    typer.run(main)
