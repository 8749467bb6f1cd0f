"""The names of classes, in a file beside a list of numbers.

Owns which files those are: `classes.txt`, `label_map.txt` and the like, with one name a line,
counted from 0, or with its number before each name, as UCF101's `classInd.txt` has it.
"""

import fnmatch
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from vidtag.errors import TruthError
from vidtag.formats.truths.content import decode, read_bytes
from vidtag.formats.truths.gathering import Gathering, quoted
from vidtag.formats.truths.places import visible

_PATTERNS = (
    *("classes.txt", "class_names.txt", "label_map*.txt", "labels.txt", "labelmap*.txt"),
    *("classind.txt", "label_names.txt", "*_label_map*.txt"),
)

_NUMBERED = re.compile(r"(\d{1,9})[\s,:]+(\S.*)")
_NUMBERED_BEHIND = re.compile(r"(\S.*?)[\s,:]+(\d{1,9})")

_NUMBER = re.compile(r"-?\d{1,18}(?:\.0*)?", re.ASCII)
"""A class as it is written, by pandas with a point where other rows have no class."""


@dataclass(frozen=True, slots=True)
class ClassNames:
    """What the numbers mean."""

    path: str
    """The file that says it."""

    names: dict[int, str]
    """By their numbers."""

    def name(self, label: str) -> str:
        """Return the name of the class that a number stands for; what is none is a name itself.

        Raises:
            ValueError: There is none of this number.
        """
        if not _NUMBER.fullmatch(label):
            return label
        number = int(label.partition(".")[0])
        if number not in self.names:
            known = f"it has {min(self.names)} to {max(self.names)}"
            raise ValueError(f"label {number} is not in {os.path.basename(self.path)}: {known}")
        return self.names[number]


def is_class_names(name: str) -> bool:
    """Tell whether a file of this name has the names of classes.

    >>> is_class_names("label_map_k400.txt"), is_class_names("train.txt")
    (True, False)
    """
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in _PATTERNS)


def find_class_names(path: str) -> ClassNames | None:
    """Find and read the names beside a list; `None` where there are none.

    Raises:
        TruthError: There are several such files, or the one can't be read.
    """
    folder, own = os.path.split(path)
    found = [name for name in visible(folder) if is_class_names(name) and name != own]
    if not found:
        return None
    if len(found) > 1:
        both = " and ".join(found[:2])
        raise TruthError(path, f"{path}: {both} both name its classes; leave one of them there.")
    return _read(os.path.join(folder, found[0]))


def names_of(path: str, labels: Sequence[str], gathering: Gathering) -> ClassNames | None:
    """Find the names of the classes whose numbers are among the labels of a list.

    Args:
        path: The list.
        labels: As they are written.
        gathering: Is told of numbers that nothing names.

    Returns:
        `None` where no label is a number, where there is no such file, or where labels are names
        and those that are numbers are, too.

    Raises:
        TruthError: There are several such files, or the one can't be read, or counts otherwise.
    """
    numbers = [label for label in dict.fromkeys(labels) if _NUMBER.fullmatch(label)]
    if not numbers:
        return None
    names = find_class_names(path)
    if names is None:
        for label in numbers:
            gathering.note("number", quoted(label))
        return None
    whole = {int(label.partition(".")[0]) for label in numbers}
    if min(names.names) == 0 and min(whole) > 0 and max(whole) == max(names.names) + 1:
        message = f"its classes are counted from 1, and in {os.path.basename(names.path)} from 0"
        raise TruthError(path, f"{path}: {message}; write its number before each name there.")
    if len(numbers) < len({*labels}) and {*numbers} & {*names.names.values()}:
        return None
    return names


def _read(path: str) -> ClassNames:
    text = decode(path, read_bytes(path))
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text.rstrip())]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    numbers = [int(match[1]) for match in numbered if match]
    if len(numbers) == len(lines) == len({*numbers}):
        names = {int(match[1]): match[2] for match in numbered if match}
    else:
        _refuse_half_numbered(path, lines, numbered)
        names = dict(enumerate(lines))
    seen: set[str] = set()
    for line, name in enumerate(names.values(), start=1):
        if not name:
            raise TruthError(path, f"{path}: line {line}: the name of a class is empty.")
        if name in seen:
            message = f"line {line}: this name stands there already; classes need their own"
            raise TruthError(path, f"{path}: {message}.")
        seen.add(name)
    return ClassNames(path, names)


def _refuse_half_numbered(
    path: str, lines: Sequence[str], numbered: Sequence[re.Match[str] | None]
) -> None:
    """Refuse names that would be counted from 0 although most lines have a number of their own.

    Names may begin with numbers, too, as `100 m sprint`: those of classes are no larger than
    there are lines.

    Raises:
        TruthError: The message names the line.
    """
    behind = [match for line in lines if (match := _NUMBERED_BEHIND.fullmatch(line))]
    numbers = sorted(int(match[2]) for match in behind)
    is_counted = numbers in ([*range(len(lines))], [*range(1, len(lines) + 1)])
    if len(lines) > 1 and is_counted and len({match[1] for match in behind}) == len(lines):
        raise TruthError(path, f"{path}: line 1 has its number behind the name; write it before.")
    own = [int(match[1]) for match in numbered if match]
    if 2 * len(own) < len(lines) or max(own) > len(lines):
        return
    seen: set[int] = set()
    for line, match in enumerate(numbered, start=1):
        if match is None:
            what = "has no number before its name, as others have"
        elif int(match[1]) in seen:
            what = f"has the number {int(match[1])}, which another has, too"
        else:
            seen.add(int(match[1]))
            continue
        raise TruthError(path, f"{path}: line {line} {what}; correct it.")
