"""Labels in the user's own words: what was written, made into labels and phrases.

Pure: owns the reading of lines, and knows neither files nor models.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vidtag.text import encodable

SEPARATOR = "|"
"""Between several phrasings of one label."""

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_UNSEEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A label of the user's own."""

    label: str
    """Its name in results: the first of its phrases."""

    phrases: tuple[str, ...]
    """All of them, each once; what they mean is the mean of them."""


class WordsError(ValueError):
    """The words can't be labels; says why, as it follows what named them."""


def parse_words(lines: Iterable[str]) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    r"""Make labels of lines: phrasings of one label are separated by `|`, the first names it.

    >>> parse_words(["pouring milk | somebody pours milk", "opening a fridge"])[0][0].phrases
    ('pouring milk', 'somebody pours milk')
    >>> parse_words(["Squat", " squat\n"])[1]
    ('Squat',)

    Args:
        lines: What was written. Line breaks and other controls become spaces, and marks that only
            turn the direction of writing go.

    Returns:
        The labels, each once whatever its capitals, and those that were written more than once.

    Raises:
        WordsError: There is none, or one is empty.
    """
    words: dict[str, Word] = {}
    repeated: dict[str, Word] = {}
    for line in lines:
        phrases = _phrases(line)
        if not phrases:
            raise WordsError("a label is empty; leave it out or write what it should find")
        word = Word(label=phrases[0], phrases=phrases)
        key = word.label.casefold()
        if key in words:
            first = words[key]
            repeated[key] = first
            more = _once((*first.phrases, *phrases))
            words[key] = Word(label=first.label, phrases=more)
        else:
            words[key] = word
    if not words:
        raise WordsError("there is no label")
    return tuple(words.values()), tuple(word.label for word in repeated.values())


def _phrases(line: str) -> tuple[str, ...]:
    return _once(filter(None, map(_clean, line.split(SEPARATOR))))


def _once(phrases: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for phrase in phrases:
        found.setdefault(phrase.casefold(), phrase)
    return tuple(found.values())


def _clean(text: str) -> str:
    """Make a phrase one line that shows all that it says."""
    return " ".join(_UNSEEN.sub("", _BREAKS.sub(" ", encodable(text))).split())


def check_template(template: str) -> str:
    """Return a template that has one place for a label.

    Raises:
        WordsError: It has none, or several.
    """
    clean = _clean(template)
    if clean.count("{}") != 1:
        raise WordsError(f"the template {template!r} must have one {{}}, for the label")
    return clean


def fill(template: str, phrase: str) -> str:
    """Put a phrase into a template.

    >>> fill("a video of {}.", "pouring milk")
    'a video of pouring milk.'
    """
    return template.replace("{}", phrase)
