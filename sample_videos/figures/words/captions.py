"""The grammar: sentences about what a clip shows, drawn by chance.

A caption is a phrase, now and then with a detail, said of somebody, now and then with clothes or
a place. No caption is one of the sentences that are held out.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from figures.words.other_phrases import (
    COLOURS,
    EMPTY_PLACE,
    GROUPS,
    NOTHING_HAPPENS,
    PLACES,
    STANDING_STILL,
    SUBJECTS,
    UNSEEN_WORDINGS,
)
from figures.words.phrases import WORDINGS, Wording

Rng = np.random.Generator

NAME_FORMS = ("{p}", "a video of {p}", "this is {p}", "a picture of {p}")
DOING_FORMS = (
    "{p}",
    "{p}",
    "{s} {p}",
    "{s} is {p}",
    "a video of {s} {p}",
    "a picture of {s} {p}",
    "a video of {p}",
    "this is {p}",
    "{s} who is {p}",
    "watch {s} {p}",
)
DOES_FORMS = ("{s} {p}", "a video in which {s} {p}", "here {s} {p}")
CLOTHES_FORMS = ("in a {c} shirt", "with {c} trousers", "in shorts", "in long trousers")
HAIR = ("with long hair", "with short hair")
DOES_SHARE, DETAIL_SHARE = 0.25, 0.25
DROP_SHARE = 0.08
"""Of a caption's words, how many are lost: what is left has to do."""

ENTRIES: tuple[Wording, ...] = (*WORDINGS.values(), STANDING_STILL, EMPTY_PLACE)
"""What is said of each class, in the order of `CLASSES`."""
DOUBLED = frozenset(
    {"skip", "jog", "run", "sit", "hop", "spin", "clap", "put", "nod", "hit", "squat", "step"}
)
"""Verbs whose last letter doubles."""


def inflect(phrase: str, form: str) -> str:
    """Return a phrase with its verbs in a form.

    Args:
        phrase: its verbs are marked by stars.
        form: "ing" or "s".

    >>> inflect("*lie down and *clap", "ing")
    'lying down and clapping'
    >>> inflect("*push up and *do it", "s")
    'pushes up and does it'
    """
    words = phrase.split()
    change = _gerund if form == "ing" else _third_person
    return " ".join(change(word[1:]) if word.startswith("*") else word for word in words)


def _gerund(verb: str) -> str:
    if verb == "lie":
        return "lying"
    if verb in DOUBLED:
        return verb + verb[-1] + "ing"
    return (verb[:-1] if verb.endswith("e") and verb != "be" else verb) + "ing"


def _third_person(verb: str) -> str:
    return verb + ("es" if verb.endswith(("s", "x", "ch", "sh", "o")) else "s")


def held_out_sentences() -> tuple[str, ...]:
    """Return all sentences that no caption may be."""
    own = [sentence for wording in WORDINGS.values() for sentence in wording.held_out]
    return (*own, *(text for texts in UNSEEN_WORDINGS.values() for text in texts))


@cache
def _forbidden() -> frozenset[str]:
    sentences = set(held_out_sentences())
    for sentence in tuple(sentences):
        sentences.add(sentence.removeprefix("somebody is ").removeprefix("somebody "))
    return frozenset(sentences)


def is_held_out(caption: str) -> bool:
    """Tell whether a caption, without what is said around it, is a held-out sentence."""
    return any(sentence in caption for sentence in _forbidden())


def asked_phrases(label: str) -> tuple[str, ...]:
    """Return the five trained phrasings of an action that the evaluation asks."""
    return tuple(inflect(phrase, "ing") for phrase in WORDINGS[label].phrases[:5])


def sentence(rng: Rng, wording: Wording, setting: str = "") -> str:
    """Draw a caption.

    Args:
        rng: decides on phrase and form, and on the words that are dropped.
        wording: what may be said.
        setting: clothes or a place, added at the end.
    """
    while True:
        text = _compose(rng, wording)
        text = _drop_words(rng, f"{text} {setting}" if setting else text)
        if not is_held_out(text):
            return text


def _compose(rng: Rng, wording: Wording) -> str:
    phrase = _choose(rng, wording.phrases)
    forms: tuple[str, ...]
    if "*" not in phrase:
        forms, form = NAME_FORMS, "ing"
    elif rng.random() < DOES_SHARE:
        forms, form = DOES_FORMS, "s"
    else:
        forms, form = DOING_FORMS, "ing"
    text = inflect(phrase, form)
    if wording.details and rng.random() < DETAIL_SHARE:
        text += f" {_choose(rng, wording.details)}"
    return _choose(rng, forms).format(s=_choose(rng, SUBJECTS), p=text)


def _drop_words(rng: Rng, text: str) -> str:
    kept = [word for word in text.split() if rng.random() >= DROP_SHARE]
    return " ".join(kept) or text


def _choose(rng: Rng, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def colour_name(colour: np.ndarray) -> str:
    """Return what a colour (3,) of shares between 0 and 1 is called."""
    typical = np.array(list(COLOURS.values()))
    return list(COLOURS)[int(((typical - colour) ** 2).sum(1).argmin())]


def draw_place(rng: Rng, place: str) -> str:
    """Draw a phrase for a place."""
    return _choose(rng, PLACES[place])


def draw_clothes(rng: Rng) -> str:
    """Draw a phrase for clothes or hair, whoever wears them."""
    text = _choose(rng, (*CLOTHES_FORMS, *HAIR))
    return text.format(c=_choose(rng, tuple(COLOURS)))


def group_wording(phrase: str) -> Wording:
    """Return the wording of one of `GROUPS`."""
    return Wording(phrases=(phrase,), details=())


def vocabulary() -> Iterator[str]:
    """Yield every text that captions are composed of: what the tokenizer is made from."""
    texts = [text for entry in ENTRIES for text in (*entry.phrases, *entry.details)]
    for text in (*texts, *GROUPS, *NOTHING_HAPPENS):
        yield inflect(text, "ing")
        if "*" in text:
            yield inflect(text, "s")
    yield from SUBJECTS
    yield from COLOURS
    for forms in (PLACES.values(), (NAME_FORMS, DOING_FORMS, DOES_FORMS, CLOTHES_FORMS, HAIR)):
        for form in (text for texts in forms for text in texts):
            yield form.format(s="", p="", c="").strip()
