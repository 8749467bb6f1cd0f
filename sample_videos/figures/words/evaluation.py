"""Judges a saved video-text model: on clips, on nothing, on words alone, on what it can't know.

The timeline is vidtag's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoTokenizer, CLIPTokenizer, XCLIPModel

from figures.actions import CLASSES, EMPTY, LABELS, STANDING, UNSEEN
from figures.dataset import NUM_FRAMES, SAMPLES_PER_SECOND, Pool, fit_to_model
from figures.dataset import Sequence as ActionSequence
from figures.evaluation import network_info
from figures.words.asking import (
    BATCH,
    HELD_OUT_SETS,
    TRAINED_SETS,
    Frames,
    Logits,
    ask,
    look,
    share_right,
)
from figures.words.network import match, read
from figures.words.other_phrases import NOTHING_PHRASES, UNSEEN_WORDINGS
from figures.words.tokens import encode
from vidtag import Tagger

PLACE_ADDED = "in a park"
"""Said after every phrasing of one test, whether it is true or not."""
LOW = 0.6
"""A held-out sentence that is right for fewer of its action's clips is named in the card."""
NAMES = TRAINED_SETS[0]
assert NAMES == LABELS


@dataclass(frozen=True, slots=True)
class WordModel:
    """A saved folder, loaded by transformers' own classes in single precision."""

    network: XCLIPModel
    tokenizer: CLIPTokenizer

    @classmethod
    def load(cls, folder: Path) -> "WordModel":
        """Load a folder as anybody would."""
        network = XCLIPModel.from_pretrained(folder, dtype=torch.float32)
        network.eval()  # type: ignore[no-untyped-call]
        tokenizer = AutoTokenizer.from_pretrained(folder)
        assert isinstance(tokenizer, CLIPTokenizer)
        return cls(network, tokenizer)

    def ask(self, clips: Sequence[Frames] | Frames, texts: Sequence[str]) -> Logits:
        """Return the (N, K) logits of K texts for N clips (16, 96, 96, 3)."""
        return ask(self.network, self.tokenizer, clips, texts)


class WordClassifier:
    """Words that are asked of a model, as a classifier, so that vidtag makes the timeline."""

    def __init__(self, model: WordModel, words: Sequence[str]) -> None:
        self.labels = tuple(words)
        self.info = network_info(BATCH)
        self._network = model.network
        with torch.no_grad():
            self._texts = read(model.network, *encode(model.tokenizer, words))

    def prepare(self, image: Frames) -> Frames:
        """Resize and crop one picture."""
        return np.asarray(fit_to_model(image[None])[0])

    @torch.no_grad()
    def logits(self, clips: Frames) -> Logits:
        """Match (B, 16, 96, 96, 3) clips with the words."""
        logits: Logits = match(self._network, look(self._network, clips), self._texts).numpy()
        return logits


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFigures:
    """Results on single clips of one action each; shares between 0 and 1."""

    num_clips: int
    trained: tuple[float, ...]
    """Named right among all actions, for each of the five sets of trained phrasings; the first
    set are the names."""
    held_out: tuple[float, ...]
    """For each of the three sets of sentences never trained on."""
    with_place: float
    """Trained phrasings, each with the same place behind it."""
    frozen: float
    """Trained phrasings, every frame replaced by the clip's middle one."""
    by_action: npt.NDArray[np.float64]
    """(22, 2): right in trained phrasings and in held-out sentences."""
    by_sentence: npt.NDArray[np.float64]
    """(22, 3): of an action's clips, how many each held-out sentence of its set is right for."""
    confusion: npt.NDArray[np.int64]
    """(22, 22): by name, how often the row's action was called the column's."""


def evaluate_clips(model: WordModel, pool: Pool) -> ClipFigures:
    """Judge a model on clips, the right words among those of all 22 actions."""
    truth = pool.labels[:, 0]
    sets = (*TRAINED_SETS, *HELD_OUT_SETS)
    texts = [text for chosen in sets for text in chosen]
    each = np.split(model.ask(pool.frames, texts), len(sets), axis=1)
    right = np.stack([logits.argmax(1) == truth for logits in each])
    trained, held_out = right[: len(TRAINED_SETS)], right[len(TRAINED_SETS) :]
    of = [truth == index for index in range(len(LABELS))]
    confusion = np.zeros((len(LABELS), len(LABELS)), np.int64)
    np.add.at(confusion, (truth, each[0].argmax(1)), 1)
    placed = [f"{text} {PLACE_ADDED}" for chosen in TRAINED_SETS for text in chosen]
    middle = NUM_FRAMES // 2
    still = [np.repeat(clip[middle : middle + 1], NUM_FRAMES, 0) for clip in pool.frames]
    return ClipFigures(
        num_clips=len(pool),
        trained=tuple(float(v) for v in trained.mean(1)),
        held_out=tuple(float(v) for v in held_out.mean(1)),
        with_place=_mean_right(model.ask(pool.frames, placed), truth),
        frozen=_mean_right(model.ask(still, texts[: len(LABELS) * len(TRAINED_SETS)]), truth),
        by_action=np.array([(trained[:, own].mean(), held_out[:, own].mean()) for own in of]),
        by_sentence=np.array([held_out[:, own].mean(1) for own in of]),
        confusion=confusion,
    )


def _mean_right(logits: Logits, truth: npt.NDArray[np.int64]) -> float:
    parts = np.split(logits, len(TRAINED_SETS), axis=1)
    return float(np.mean([share_right(part, truth) for part in parts]))


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingFigures:
    """What becomes of clips in which nothing happens, the nothing phrases beside the actions'."""

    num_clips: int
    standing: float
    """Of standing figures, how many are called nothing: a mean over the trained phrasings."""
    empty: float
    actions_missed: float
    """Of clips of an action, how many are called nothing."""

    @property
    def right(self) -> float:
        """Standing figures and empty places, as many of each."""
        return (self.standing + self.empty) / 2


def evaluate_nothing(model: WordModel, nothing: Pool, actions: Pool) -> NothingFigures:
    """Judge a model on standing figures and empty places."""
    called = [_called_nothing(model, pool) for pool in (nothing, actions)]
    shown = nothing.labels[:, 0]
    return NothingFigures(
        num_clips=len(nothing),
        standing=float(called[0][shown == CLASSES.index(STANDING)].mean()),
        empty=float(called[0][shown == CLASSES.index(EMPTY)].mean()),
        actions_missed=float(called[1].mean()),
    )


def _called_nothing(model: WordModel, pool: Pool) -> npt.NDArray[np.float64]:
    """Return (N,): in how many of the sets of phrasings each clip is called nothing."""
    texts = [*NOTHING_PHRASES, *(text for chosen in TRAINED_SETS for text in chosen)]
    logits = model.ask(pool.frames, texts)
    best_nothing = logits[:, : len(NOTHING_PHRASES)].max(1)
    sets = np.split(logits[:, len(NOTHING_PHRASES) :], len(TRAINED_SETS), axis=1)
    called: npt.NDArray[np.float64] = np.mean([best_nothing > s.max(1) for s in sets], axis=0)
    return called


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenFigures:
    """What becomes of actions whose clips, names and phrases were all held out."""

    num_clips: int
    by_name: tuple[float, ...]
    """Of each action's clips, how many its name is right for, among those of all 24."""
    by_phrase: tuple[float, ...]
    """The same with each description of it: a mean."""
    taken_for: tuple[str, ...]
    """The name that is given most often, among those of the 22 trained actions."""


def evaluate_unseen(model: WordModel, pool: Pool) -> UnseenFigures:
    """Judge a model on what it can't know."""
    sets = tuple(zip(*(UNSEEN_WORDINGS[label] for label in UNSEEN), strict=True))
    logits = model.ask(pool.frames, [*NAMES, *(text for chosen in sets for text in chosen)])
    known, new = np.split(logits, [len(NAMES)], axis=1)
    best = [np.concatenate([known, part], 1).argmax(1) for part in np.split(new, len(sets), axis=1)]
    shown = pool.labels[:, 0] - CLASSES.index(UNSEEN[0])
    right = np.stack([(calls - len(NAMES)) == shown for calls in best])
    names, phrases = [], []
    for index in range(len(UNSEEN)):
        names.append(float(right[0, shown == index].mean()))
        phrases.append(float(right[1:, shown == index].mean()))
    usual = [np.bincount(known[shown == i].argmax(1)).argmax() for i in range(len(UNSEEN))]
    return UnseenFigures(
        num_clips=len(pool),
        by_name=tuple(names),
        by_phrase=tuple(phrases),
        taken_for=tuple(NAMES[index] for index in usual),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WordFigures:
    """Results of words that are asked alone, a second at a time."""

    on: float
    """Mean score where the word's action happens; a mean over words."""
    off: float
    """Mean score where it does not."""
    found: float
    """Share of the seconds with the action whose score is above a half."""
    false: float
    """Share of the other seconds whose score is above a half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFigures:
    """Results on sequences of several actions that change at whole seconds."""

    num_sequences: int
    num_seconds: float
    right: float
    """Share of the seconds that are named right among the 22 names."""
    names: WordFigures
    phrases: WordFigures
    sentences: WordFigures
    """Each name, trained phrasing and held-out sentence alone against the names of the other 21
    actions and the phrases for nothing."""


def evaluate_sequences(model: WordModel, sequences: Sequence[ActionSequence]) -> SequenceFigures:
    """Judge a model on vidtag's timelines of sequences."""
    sets = (*TRAINED_SETS, *HELD_OUT_SETS)
    words = (*NOTHING_PHRASES, *(text for chosen in sets for text in chosen))
    tagger = Tagger(WordClassifier(model, words))
    scores, truth = [], []
    for sequence in sequences:
        with tagger.open(sequence.samples, fps=SAMPLES_PER_SECOND) as videos:
            for step in next(iter(videos)).scored_steps():
                middle = float(step.middle_seconds)
                for start, end, label in sequence.truth:
                    if start <= middle < end:
                        scores.append(step.scores)
                        truth.append(label)
    # A softmax over some of the words is one over all of them, divided by what these get of it.
    split = len(NOTHING_PHRASES)
    shares, shown = np.stack(scores).astype(np.float64), np.array(truth)
    nothing, each = shares[:, :split].sum(1), np.split(shares[:, split:], len(sets), axis=1)
    names = each[0]
    return SequenceFigures(
        num_sequences=len(sequences),
        num_seconds=len(shown),
        right=float((names.argmax(1) == shown).mean()),
        names=_words_alone(each[:1], names, nothing, shown),
        phrases=_words_alone(each[: len(TRAINED_SETS)], names, nothing, shown),
        sentences=_words_alone(each[len(TRAINED_SETS) :], names, nothing, shown),
    )


def _words_alone(
    sets: Sequence[npt.NDArray[np.float64]],
    names: npt.NDArray[np.float64],
    nothing: npt.NDArray[np.float64],
    shown: npt.NDArray[np.int64],
) -> WordFigures:
    rows = []
    for index in sorted(set(shown.tolist())):
        happens = shown == index
        others = names.sum(1) - names[:, index] + nothing
        for words in sets:
            score = words[:, index] / (words[:, index] + others)
            on, off = score[happens], score[~happens]
            rows.append((on.mean(), off.mean(), (on > 0.5).mean(), (off > 0.5).mean()))
    on, off, found, false = (float(v) for v in np.mean(rows, axis=0))
    return WordFigures(on=on, off=off, found=found, false=false)
