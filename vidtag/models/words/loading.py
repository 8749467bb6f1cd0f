"""From a video-text model and words to a classifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vidtag.cache.texts import StoredText
from vidtag.clips.preparing import Preprocessing
from vidtag.models.classifier import ClassifierInfo, WordsInfo
from vidtag.models.config import ModelConfig
from vidtag.models.conversions import conversion_facts
from vidtag.models.source import ModelFiles
from vidtag.models.words.background import (
    Background,
    Vectors,
    choose_background,
)
from vidtag.models.words.classifier import WordClassifier
from vidtag.models.words.cost import feature_size
from vidtag.models.words.encoding import blend, read_texts, text_facts
from vidtag.models.words.engines import Towers
from vidtag.models.words.given import Word, fill
from vidtag.models.words.lists import read_vocabulary
from vidtag.text import printable
from vidtag.video.frames import Notice

_MOST_STORED = 128 * 1024
"""Bytes of features that are stored for a window in place of its logits. X-CLIP B/32 has 102 kB
of them: 185 MB for an hour at its stride of 2 s, which saves minutes of its video tower on two
cores; B/16 403 kB, L/14 790 kB, which fill the cache before they are asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordChoice:
    """The words that were asked for, and how they are read."""

    given: tuple[Word, ...]
    """None where the model's own names are wanted."""

    repeated: tuple[str, ...]
    """Labels that were given more than once."""

    template: str | None
    """The sentence that they are put into; the model's own where `None`."""

    has_background: bool
    """Whether they compete with more than one another."""


def load_words(
    choice: WordChoice,
    *,
    files: ModelFiles,
    config: ModelConfig,
    preprocessing: Preprocessing,
    info: ClassifierInfo,
    towers: Towers,
    tell: Callable[[str], None] | None,
) -> WordClassifier:
    """Read the words with the model, and make a classifier of both.

    Raises:
        ModelLoadError: The model can't read.
    """
    assert config.kind.text is not None  # it is a video-text model
    template = choice.template or config.kind.text.template
    given = choice.given or tuple(Word(label=one, phrases=(one,)) for one in config.labels)
    nothing = tuple(config.own.get("nothing") or read_vocabulary("nothing"))
    rivals = (*config.labels, *nothing) if choice.given and choice.has_background else ()
    sentences = {phrase for word in given for phrase in word.phrases} | {*rivals}
    filled = {phrase: fill(template, phrase) for phrase in sorted(sentences)}
    known = read_texts(
        list(filled.values()),
        files=files,
        config=config,
        facts=text_facts(config, info, conversion_facts(files, config, preprocessing)),
        towers=towers,
        tell=tell,
    )

    def vectors(phrases: Sequence[str]) -> Vectors:
        return np.stack([known[filled[phrase]].vector for phrase in phrases])

    texts = np.stack([blend(vectors(word.phrases)) for word in given])
    background: Background | None = None
    if rivals:
        source: Literal["kinetics400", "model"] = (
            "kinetics400" if config.labels == read_vocabulary("kinetics400") else "model"
        )
        background, places = choose_background(
            [(word.label, vectors(word.phrases)) for word in given],
            rivals,
            vectors(rivals),
            num_actions=len(config.labels),
            source=source,
        )
        texts = np.concatenate([texts, vectors(rivals)[places]])
    size = feature_size(config)
    info = replace(
        info,
        notes=(*info.notes, *_notes(choice, config, filled, known)),
        feature_size=size if size is not None and size * 4 <= _MOST_STORED else None,
        words=WordsInfo(given=given, template=template, background=background)
        if choice.given
        else None,
    )
    return WordClassifier([word.label for word in given], info, towers, texts)


def _notes(
    choice: WordChoice,
    config: ModelConfig,
    filled: dict[str, str],
    known: dict[str, StoredText],
) -> list[Notice]:
    notes = [
        Notice(
            code="label_repeated",
            message=f"The label '{printable(label)}' was given more than once; it counts once.",
        )
        for label in choice.repeated
    ]
    for word in choice.given:
        for phrase in word.phrases:
            num_tokens = known[filled[phrase]].num_tokens
            if num_tokens > config.max_tokens:
                shown = phrase if len(phrase) <= 60 else f"{phrase[:59]}…"
                message = f"The label '{printable(shown)}' has {num_tokens} tokens, and the model "
                message += f"reads {config.max_tokens}: what comes after them does not count."
                notes.append(Notice(code="label_truncated", message=message))
    return notes
