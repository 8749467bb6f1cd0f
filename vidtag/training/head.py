"""A last layer, fitted to features: how it is chosen, and how well it does on what it has not seen.

A multinomial logistic regression on standardised features, with L2 and class weights. How strong
the L2 is and after how many iterations to stop is chosen on videos that a fit has not seen, never
on clips of the same video; so are the temperature and all figures.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from vidtag.training.examples import NONE, Examples, kind_of, learned_from
from vidtag.training.outcome import Floats, Outcome, Unseen, find_temperature

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Of the L2, per standardised feature."""

NUM_FOLDS = 5
"""Parts that are left out in turn, where the labels' file names none for that."""

_ITERATIONS, _STRIDE = 40, 5
"""L-BFGS iterations at most, and after how many a fit is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """A linear layer on features as they are."""

    weight: Floats
    """`(C, d)`."""

    bias: Floats
    """`(C,)`."""

    def logits(self, features: npt.NDArray[np.floating]) -> Floats:
        """Map `(N, d)` to `(N, C)`."""
        return features.astype(np.float64) @ self.weight.T + self.bias


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedHead:
    """A head, how it was chosen, and what it says of what it has not seen."""

    head: Head
    """The layer."""

    outcome: Outcome
    """What it came to."""


def fit(examples: Examples, none_label: str, seed: int) -> FittedHead:
    """Choose and fit a head.

    Args:
        examples: What to learn from.
        none_label: Name of the class of windows that show none of the labels.
        seed: Decides which videos are left out together.
    """
    classes = (*examples.labels, *([none_label] if examples.has_none else []))
    targets = np.where(examples.targets == NONE, len(examples.labels), examples.targets)
    folds, how, learns = make_folds(examples, targets, seed)
    paths = _Paths(examples, targets, len(classes))
    if not folds:
        strength, iterations, unseen = 1e-2, _ITERATIONS, None
    else:
        strength, iterations, answers = _choose(paths, folds, learns)
        unseen = answers if len(answers.targets) else None
    head = paths.fit(learns, strength, iterations)[-1]
    recipe = (
        "multinomial logistic regression on standardised features of the encoder, which stayed as "
        f"it was; L2 {strength:g}, {iterations} iterations of L-BFGS, classes of equal weight"
    )
    outcome = Outcome(
        classes=classes,
        temperature=find_temperature(unseen),
        unseen=unseen,
        held_out=how,
        recipe=recipe,
    )
    return FittedHead(head=head, outcome=outcome)


def make_folds(
    examples: Examples, targets: npt.NDArray[np.int64], seed: int
) -> tuple[list[npt.NDArray[np.bool_]], str, npt.NDArray[np.bool_]]:
    """Say which videos are left out together, in words, too, and which the final head learns from.

    Returns:
        A `(V,)` mask for each part that is left out, and one of the videos to learn from.
    """
    everything = np.array([kind_of(subset) != "testing" for subset in examples.subsets], bool)
    learns = learned_from(examples.subsets)
    if (everything & ~learns).any():
        return [everything & ~learns], "the file's own validation videos", learns
    main = main_targets(examples, targets)
    counts = np.bincount(main[everything])
    num_folds = int(min(NUM_FOLDS, counts.max(initial=0)))
    if num_folds < 2:
        return [], "nothing: each label has one video alone", everything
    rng = np.random.default_rng(seed)
    part = np.full(examples.num_videos, -1)
    turn = 0
    for label in np.unique(main[everything]):
        # One after the other, so that parts are even and each label is spread over them.
        for video in rng.permutation(np.flatnonzero((main == label) & everything)):
            part[video] = turn % num_folds
            turn += 1
    # A label of one video is in no part: left out, it would be unknown.
    alone = np.isin(main, np.flatnonzero(counts == 1))
    folds = [(part == k) & ~alone for k in range(num_folds)]
    return folds, f"each of {num_folds} parts of the videos in turn", everything


def main_targets(examples: Examples, targets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give the class that most of a video's windows show, `(V,)`; a label rather than none."""
    main = np.zeros(examples.num_videos, np.int64)
    for video in range(examples.num_videos):
        own = targets[examples.videos == video]
        labels = own[own < len(examples.labels)]
        main[video] = np.bincount(labels if len(labels) else own).argmax()
    return main


class _Paths:
    """Heads along the iterations of a fit."""

    def __init__(
        self, examples: Examples, targets: npt.NDArray[np.int64], num_classes: int
    ) -> None:
        self.examples = examples
        self.targets = targets
        self.num_classes = num_classes
        # The mean of logits is the logit of the mean: what is asked about is put together once.
        units, unit_targets, unit_videos = [], [], []
        for video in range(examples.num_videos):
            own = np.flatnonzero(examples.videos == video)
            features = examples.features[own].astype(np.float64)
            if examples.whole[video]:
                features, own = features.mean(axis=0, keepdims=True), own[:1]
            units.append(features)
            unit_targets.append(targets[own])
            unit_videos.append(np.full(len(own), video, np.int64))
        self._units = np.concatenate(units)
        self._unit_targets = np.concatenate(unit_targets)
        self._unit_videos = np.concatenate(unit_videos)

    def fit(
        self, learns: npt.NDArray[np.bool_], strength: float, iterations: int = _ITERATIONS
    ) -> list[Head]:
        """Fit to the windows of some videos; return the head after each few iterations.

        Args:
            learns: `(V,)`: the videos.
            strength: Of the L2.
            iterations: How many.
        """
        examples = self.examples
        chosen = learns[examples.videos]
        features = examples.features[chosen].astype(np.float64)
        targets, videos = self.targets[chosen], examples.videos[chosen]
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale = np.maximum(scale, 1e-3 * max(float(scale.max(initial=0)), 1e-6))
        x = torch.from_numpy((features - mean) / scale)
        y = torch.from_numpy(targets)
        w = torch.from_numpy(balance(targets, videos))
        weight = torch.zeros((self.num_classes, x.shape[1]), dtype=torch.float64)
        bias = torch.zeros(self.num_classes, dtype=torch.float64)
        parameters = [weight.requires_grad_(), bias.requires_grad_()]
        optimiser = torch.optim.LBFGS(
            parameters, max_iter=_STRIDE, history_size=10, line_search_fn="strong_wolfe"
        )

        def loss() -> torch.Tensor:
            optimiser.zero_grad()
            error = torch.nn.functional.cross_entropy(x @ weight.T + bias, y, reduction="none")
            value = (w * error).sum() + 0.5 * strength * (weight**2).sum()
            torch.autograd.backward(value)
            return value

        heads = []
        for _ in range(0, iterations, _STRIDE):
            with _one_thread():
                optimiser.step(loss)  # type: ignore[no-untyped-call]
            plain = weight.detach().numpy() / scale
            shift = bias.detach().numpy() - plain @ mean
            heads.append(Head(weight=plain, bias=shift.copy()))
        return heads

    def answers(
        self, head: Head, asked: npt.NDArray[np.bool_], learns: npt.NDArray[np.bool_]
    ) -> Unseen:
        """Answer for some videos: those with one label as a whole, of others each window.

        Args:
            head: What answers.
            asked: `(V,)`: the videos.
            learns: `(V,)`: what the head learned from; what it never saw is no question to it.
        """
        known = np.unique(self.targets[learns[self.examples.videos]])
        rows = asked[self._unit_videos] & np.isin(self._unit_targets, known)
        return Unseen(
            logits=head.logits(self._units[rows]),
            targets=self._unit_targets[rows],
            videos=self._unit_videos[rows],
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one core: products as small as these take longer on several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _choose(
    paths: _Paths, folds: Sequence[npt.NDArray[np.bool_]], learns: npt.NDArray[np.bool_]
) -> tuple[float, int, Unseen]:
    """Choose strength and iterations by what is held out, and give the answers to that."""
    learning = [(fold, learns & ~fold) for fold in folds]
    best: tuple[float, float, int, Unseen] | None = None
    for strength in STRENGTHS:
        answers = [
            [paths.answers(head, fold, others) for head in paths.fit(others, strength)]
            for fold, others in learning
        ]
        for k in range(len(answers[0])):
            unseen = _joined([path[k] for path in answers])
            error = _error(unseen)
            if best is None or error < best[0]:
                best = error, strength, (k + 1) * _STRIDE, unseen
    assert best is not None  # there are strengths
    return best[1:]


def _joined(parts: Sequence[Unseen]) -> Unseen:
    return Unseen(
        logits=np.concatenate([part.logits for part in parts]),
        targets=np.concatenate([part.targets for part in parts]),
        videos=np.concatenate([part.videos for part in parts]),
    )


def _error(unseen: Unseen) -> float:
    """Mean negative log-likelihood, each class counting as much."""
    shifted = unseen.logits - unseen.logits.max(axis=1, keepdims=True)
    errors = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(shifted)), unseen.targets]
    return float((balance(unseen.targets, unseen.videos) * errors).sum())


def balance(targets: npt.NDArray[np.int64], videos: npt.NDArray[np.int64]) -> Floats:
    """Weigh windows so that each class counts as much, and in it each video; the sum is 1.

    >>> balance(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])).round(3).tolist()
    [0.125, 0.125, 0.25, 0.5]
    """
    weights = np.zeros(len(targets))
    classes = np.unique(targets)
    for target in classes:
        own = targets == target
        present, counts = np.unique(videos[own], return_counts=True)
        per_video = dict(zip(present.tolist(), counts.tolist(), strict=True))
        shares = [1 / (per_video[video] * len(present)) for video in videos[own].tolist()]
        weights[own] = np.array(shares) / len(classes)
    return weights
