"""What label files say is gathered here, and what they say wrongly is counted.

The modules for one layout each hand over what they find, with its place in the file; which
videos, labels and segments that makes, and the sentences on what was left out or is odd, is the
same for all of them.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

from vidtag.errors import TruthError
from vidtag.formats.truths.truth import LabelledVideo, TrueSegment, Truths
from vidtag.seconds import format_seconds
from vidtag.text import escape_controls, one_line, printable
from vidtag.urls import is_url, without_credentials

# What is left out: each after "Left out 1" and "Left out 2".
_LEFT_OUT = {
    "missing": ("video that is not there", "videos that are not there"),
    "unreadable": ("entry that can't be read", "entries that can't be read"),
    "range": (
        "range that is empty, backwards or before 0:00",
        "ranges that are empty, backwards or before 0:00",
    ),
    "conflict": (
        "video with several labels for all of it",
        "videos with several labels for all of them",
    ),
    "mixed": (
        "label for all of a video that has segments, too",
        "labels for all of videos that have segments, too",
    ),
    "medium": (
        "further video that an annotation file names beside its first",
        "further videos that annotation files name beside their first",
    ),
    "unlabelled": ("video without a usable label", "videos without a usable label"),
    "skipped": (
        "task that its annotator skipped",
        "tasks that their annotators skipped",
    ),
    "failed": ("result of an input that failed", "results of inputs that failed"),
    "other_region": ("region of another kind", "regions of other kinds"),
    "reference": (
        "annotation without a time of its own",
        "annotations without a time of their own",
    ),
    "empty_label": ("folder without a video", "folders without a video"),
    "loose": (
        "video outside of the labels' folders",
        "videos outside of the labels' folders",
    ),
    "beside": (
        "folder beside those for training and testing",
        "folders beside those for training and testing",
    ),
    "other_file": ("file that is no video by its name", "files that are no videos by their names"),
    "no_labels": ("file without labels", "files without labels"),
    "column": ("column that is not of labels", "columns that are not of labels"),
}

# What is odd, but counts: each after its number.
_ODD = {
    "duplicate": ("entry repeats another and counts once", "entries repeat others and count once"),
    "subset": (
        "video is in several subsets, of which the first counts",
        "videos are in several subsets, of which the first counts",
    ),
    "overlap": (
        "segment overlaps an earlier one with another label",
        "segments overlap earlier ones with other labels",
    ),
    "again": (
        "segment overlaps an earlier one with its own label",
        "segments overlap earlier ones with their own labels",
    ),
    "control": (
        "label has control characters, which became spaces",
        "labels have control characters, which became spaces",
    ),
    "case": (
        "label differs from another by its case alone",
        "labels differ from others by their case alone",
    ),
    "alike": (
        "label looks like another, of other characters",
        "labels look like others, of other characters",
    ),
    "number": (
        "label is a number, and no file beside the list names it",
        "labels are numbers, and no file beside the list names them",
    ),
    "prediction": (
        "task has no annotation; its prediction counts",
        "tasks have no annotation; their predictions count",
    ),
    "several": (
        "task has several annotations; the last one counts",
        "tasks have several annotations; the last ones count",
    ),
    "part": (
        "result is of a part of its video; the rest counts as none of the labels",
        "results are of parts of their videos; the rest counts as none of the labels",
    ),
    "offset": (
        "video starts at an offset, which was added",
        "videos start at offsets, which were added",
    ),
    "single": (
        "label has a single video, which says little of how well it is told",
        "labels have a single video each, which says little of how well they are told",
    ),
}

_NAMED = 3
"""Places that a sentence names; the others are counted."""

_MAX_SHOWN = 80
"""Characters of a name in a sentence."""


@dataclass(slots=True)
class Video:
    """A video, while what is said of it is gathered."""

    path: str
    subset: str | None = None
    whole: dict[str, str] = field(default_factory=dict)
    """Labels for all of it, and where each stands."""
    segments: dict[tuple[Fraction, Fraction, str], str] = field(default_factory=dict)
    """Start, end and label, and where each stands."""
    is_empty: bool = False
    """Whether it is said that nothing holds."""


@dataclass(slots=True)
class Gathering:
    """All that was found so far."""

    path: str
    """What the user named."""

    prefix: str = ""
    """What stands before a place in a sentence, where there are several files."""

    subset: str | None = None
    """The subset of all that comes, where a file's name says it and its entries don't."""

    _videos: dict[str, Video] = field(default_factory=dict)
    _notes: dict[str, dict[str, None]] = field(default_factory=dict)
    _missing: set[str] = field(default_factory=set)
    _identities: dict[str, str] = field(default_factory=dict)

    def note(self, kind: str, what: str) -> None:
        """Note what is left out or odd; the same is counted once."""
        self._notes.setdefault(kind, {})[printable(what)] = None

    def unreadable(self, place: str, why: object) -> None:
        """Note an entry that makes no sense."""
        self.note("unreadable", f"{self.prefix}{place} ({one_sentence(str(why))})")

    def has_seen_anything(self) -> bool:
        """Tell whether there was an entry, usable or not."""
        return bool(self._videos or self._notes)

    def video(
        self, place: str, name: str, find: Callable[[], str | None], subset: str | None = None
    ) -> Video | None:
        """Take a video that an entry names; one that is not there is noted.

        Args:
            place: Where the entry stands.
            name: How the file calls the video.
            find: Finds it.
            subset: In the file's word.
        """
        if not name.strip():
            self.unreadable(place, "it names no video")
            return None
        try:
            path = find()
        except ValueError as exc:
            self.unreadable(place, exc)
            return None
        if path is None:
            if name not in self._missing:
                self._missing.add(name)
                self.note("missing", f"{quoted(name)} ({self.prefix}{place})")
            return None
        identity = self._identities.get(path)
        if identity is None:  # asking the disk takes longer than all the rest
            identity = path if is_url(path) else os.path.realpath(path)
            self._identities[path] = identity
        video = self._videos.setdefault(identity, Video(path=path))
        subset = subset_of(subset) or subset_of(self.subset)
        if subset is not None and video.subset not in (None, subset):
            self.note("subset", f"{quoted(path)} ({self.prefix}{place})")
        video.subset = video.subset or subset
        return video

    def label(self, place: str, label: object, index: int | None = None) -> str | None:
        """Take a label, on one line; one that is none is noted.

        Args:
            place: Where it stands.
            label: The label.
            index: Its class's place in a model's outputs, which stands in for an empty label.
        """
        if not isinstance(label, str):
            self.unreadable(place, "its label is no text")
            return None
        plain = one_line(label, -1 if index is None else index)
        if index is None and not one_line(label, 0).removeprefix("#0"):
            self.unreadable(place, "its label is empty")
            return None
        if escape_controls(label) != label:
            self.note("control", f"{quoted(plain)} ({self.prefix}{place})")
        return plain

    def say_whole(self, place: str, video: Video, label: str) -> None:
        """Take a label for all of a video."""
        if label in video.whole:
            self.note("duplicate", f"{self.prefix}{place}")
        video.whole.setdefault(label, f"{self.prefix}{place}")

    def say_segment(
        self, place: str, video: Video, start: Fraction, end: Fraction, label: str
    ) -> None:
        """Take a segment, unless it has no length or starts before the video."""
        if start < 0 or end <= start:
            shown = f"{_clock(start)} to {_clock(end)}"
            self.note("range", f"{self.prefix}{place} ({shown})")
            return
        key = (start, end, label)
        if key in video.segments:
            self.note("duplicate", f"{self.prefix}{place}")
        video.segments.setdefault(key, f"{self.prefix}{place}")

    def finish(self) -> Truths:
        """Make the values of all that was gathered.

        Raises:
            TruthError: No label is left, or one alone, and no time without it.
        """
        videos = [made for video in self._videos.values() if (made := self._made(video))]
        counts: Counter[str] = Counter()
        for video in videos:
            self._note_overlaps(video)
            counts.update({*([video.label] if video.label else []), *_labels(video.segments)})
        labels = tuple(sorted(counts))
        has_rest = any(video.label is None for video in videos)
        if len(labels) + has_rest < 2 or not labels:
            raise TruthError(self.path, self._too_few(labels))
        self._note_labels(labels, counts)
        return Truths(videos=tuple(videos), labels=labels, notes=self._sentences())

    def _made(self, video: Video) -> LabelledVideo | None:
        segments = tuple(
            TrueSegment(start_seconds=start, end_seconds=end, label=label)
            for start, end, label in sorted(video.segments)
        )
        label = None
        shown = quoted(video.path)
        if len(video.whole) > 1 and not segments:
            places = ", ".join(f"{quoted(one)} {place}" for one, place in video.whole.items())
            self.note("conflict", f"{shown} ({places})")
            return None
        if segments and video.whole:
            self.note("mixed", f"{shown} ({next(iter(video.whole.values()))})")
        elif video.whole:
            [label] = video.whole
        elif not segments and not video.is_empty:
            self.note("unlabelled", shown)
            return None
        return LabelledVideo(path=video.path, label=label, segments=segments, subset=video.subset)

    def _note_overlaps(self, video: LabelledVideo) -> None:
        ends: dict[str, Fraction] = {}
        for one in video.segments:
            ends = {label: end for label, end in ends.items() if end > one.start_seconds}
            if ends:
                at = f"{quoted(video.path)} at {format_seconds(one.start_seconds)}"
                other = next((label for label in ends if label != one.label), None)
                if other is not None:
                    self.note("overlap", f"{at} ({quoted(other)} and {quoted(one.label)})")
                if one.label in ends:
                    self.note("again", f"{at} ({quoted(one.label)})")
            ends[one.label] = max(one.end_seconds, ends.get(one.label, one.end_seconds))

    def _note_labels(self, labels: tuple[str, ...], counts: Counter[str]) -> None:
        for label in labels:
            if counts[label] == 1:
                self.note("single", quoted(label))
        alike = sorted(labels, key=lambda label: (_look(label), label))
        for _, group in groupby(alike, key=_look):
            first, *others = group
            for other in others:
                kind = "case" if other.casefold() == first.casefold() else "alike"
                self.note(kind, f"{quoted(other)} ({quoted(first)})")

    def _too_few(self, labels: tuple[str, ...]) -> str:
        if labels:
            what = f"all of it is {quoted(labels[0])}, and one label can't be told from another"
        elif self.has_seen_anything():
            what = "no video with a label is left"
        else:
            return f"{self.path}: there is no labelled video in it."
        reason = next((self._sentence(kind) for kind in _LEFT_OUT if kind in self._notes), None)
        if reason is None:
            return f"{self.path}: {what}."
        return f"{self.path}: {what}; {reason[0].lower()}{reason[1:]}"

    def _sentences(self) -> tuple[str, ...]:
        return tuple(self._sentence(kind) for kind in [*_LEFT_OUT, *_ODD] if kind in self._notes)

    def _sentence(self, kind: str) -> str:
        notes = list(self._notes[kind])
        shown = ", ".join(notes[:_NAMED])
        rest = f" and {len(notes) - _NAMED} more" if len(notes) > _NAMED else ""
        number = len(notes)
        one, several = _LEFT_OUT.get(kind) or _ODD[kind]
        head = f"Left out {number}" if kind in _LEFT_OUT else f"{number}"
        hint = "; say in which folder they are" if kind == "missing" else ""
        return f"{head} {one if number == 1 else several}: {shown}{rest}{hint}."


def _labels(segments: tuple[TrueSegment, ...]) -> set[str]:
    return {one.label for one in segments}


def _look(label: str) -> str:
    """Give what a person sees of a label: not its case, nor how its characters are composed."""
    composed = unicodedata.normalize("NFKC", label).casefold()
    return "".join(one for one in composed if unicodedata.category(one) != "Cf")


def _clock(seconds: Fraction) -> str:
    return f"-{format_seconds(-seconds)}" if seconds < 0 else format_seconds(seconds)


def quoted(name: str) -> str:
    r"""Quote a name for a sentence: printable, and no longer than a line.

    >>> quoted("a\nb.mp4")
    "'a\\nb.mp4'"
    """
    return f"'{shortened(name)}'"


def shortened(name: str) -> str:
    """Make a name printable and no longer than a line, in its middle: a path ends in the file.

    Of a URL, user name and password are left out.
    """
    text = printable(without_credentials(name))
    if len(text) <= _MAX_SHOWN:
        return text
    return f"{text[: _MAX_SHOWN // 4]}…{text[-_MAX_SHOWN * 3 // 4 + 1 :]}"


def one_sentence(text: str) -> str:
    """Make the words of an error part of a sentence: printable, without its full stop."""
    return printable(text).rstrip(".")


_SUBSETS = {
    "train": "training",
    "training": "training",
    "val": "validation",
    "valid": "validation",
    "validate": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "testing",
    "testing": "testing",
}


def subset_of(word: str | None) -> str | None:
    """Tell a subset by any of its usual names; another word is one of its own.

    >>> subset_of("Val"), subset_of("fold 3"), subset_of(" ")
    ('validation', 'fold 3', None)
    """
    plain = one_line(word or "", 0).removeprefix("#0")
    return _SUBSETS.get(plain.casefold(), plain) or None


def is_subset_name(word: str) -> bool:
    """Tell whether a folder or file of this name is a subset's.

    >>> is_subset_name("train"), is_subset_name("squat")
    (True, False)
    """
    return word.casefold() in _SUBSETS
