"""The values that label files are read into."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueSegment:
    """A stretch of a video in which a label holds, as a person or a file says."""

    start_seconds: Fraction
    """Its start, in seconds since the video's first frame."""

    end_seconds: Fraction
    """Its end; later than its start."""

    label: str
    """What holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledVideo:
    """A video and what is said of it."""

    path: str
    """The video, as it can be opened from here: a file that is there, or a URL."""

    label: str | None
    """The label of the whole video; `None` where there are segments, or where it is said that
    nothing holds: then there are no segments, either."""

    segments: tuple[TrueSegment, ...] = ()
    """In the order of time; they may overlap. Where there are some, the time between them is said
    to be none of the labels."""

    subset: str | None = None
    """`training`, `validation` or `testing`, where the file says; its own word otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truths:
    """All that was read."""

    videos: tuple[LabelledVideo, ...]
    """In the order of the file; each is there once."""

    labels: tuple[str, ...]
    """Every label that occurs, sorted."""

    notes: tuple[str, ...] = ()
    """Sentences on what was left out or looks odd, each with its number: nothing is dropped
    without one."""
