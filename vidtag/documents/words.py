"""Given labels in a document: the words, and what they competed with."""

from dataclasses import dataclass
from typing import Literal

from vidtag.documents.record import CONFIG, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRecord(Record):
    """A label in the user's own words."""

    __pydantic_config__ = CONFIG

    label: str
    """Its name: the first of its phrases."""
    phrases: tuple[str, ...]
    """What the model read, each in the template; the label means the mean of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutRecord(Record):
    """A phrase of the background that means the same as a given label."""

    __pydantic_config__ = CONFIG

    phrase: str
    label: str
    """The given label that it is nearest to."""
    cosine: float
    """How near, in the model's text space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundRecord(Record):
    """What given labels competed with."""

    __pydantic_config__ = CONFIG

    source: Literal["kinetics400", "model"]
    """Where its actions come from: Kinetics-400, or the model's own names; phrases for nothing of
    that come with them."""
    num_phrases: int
    """Phrases that were in it."""
    limit: float
    """The cosine beyond which a phrase was left out."""
    left_out: tuple[LeftOutRecord, ...]
    """Phrases that were too near to a given label."""
