"""The names of classes, in a file beside a list of numbers.

Owns which files those are: `classes.txt`, `label_map.txt` and the like, with one name a line,
counted from 0, or with its number before each name, as UCF101's `classInd.txt` has it.
"""

import fnmatch
import os
import re
from dataclasses import dataclass

from vidtag.errors import TruthError
from vidtag.formats.truths.content import decode, read_bytes
from vidtag.formats.truths.places import visible

_PATTERNS = (
    *("classes.txt", "class_names.txt", "label_map*.txt", "labels.txt", "labelmap*.txt"),
    *("classind.txt", "label_names.txt", "*_label_map*.txt"),
)

_NUMBERED = re.compile(r"(\d{1,9})[\s,:]+(\S.*)")


@dataclass(frozen=True, slots=True)
class ClassNames:
    """What the numbers mean."""

    path: str
    """The file that says it."""

    names: dict[int, str]
    """By their numbers."""

    def name(self, number: int) -> str:
        """Return a class's name.

        Raises:
            ValueError: There is none of this number.
        """
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


def _read(path: str) -> ClassNames:
    text = decode(path, read_bytes(path))
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text.rstrip())]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    numbers = [int(match[1]) for match in numbered if match]
    if len(numbers) == len(lines) == len({*numbers}):
        names = {int(match[1]): match[2] for match in numbered if match}
    else:
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
