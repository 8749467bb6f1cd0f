"""The lists of VideoMAE and MMAction2: a path, a space, and the number of a class.

Names of videos may have spaces: a path goes on to the last extension of a video before a space,
and where there is none, to the last space.
"""

import os
import re
from functools import partial

from vidtag.errors import TruthError
from vidtag.extensions import VIDEO_EXTENSIONS
from vidtag.formats.truths.class_names import names_of
from vidtag.formats.truths.gathering import Gathering
from vidtag.formats.truths.places import Places

_EXTENSIONS = "|".join(re.escape(one[1:]) for one in sorted(VIDEO_EXTENSIONS, key=len))
_ENTRY = re.compile(rf"(.*\.(?:{_EXTENSIONS}))[ \t]+(\S.*)", re.IGNORECASE)
_NUMBERS = re.compile(r"\d+(?:\s+\d+)+")

_HMDB = re.compile(r"_test_split\d$")
"""Source: https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/"""


def is_entry(line: str) -> bool:
    """Tell whether a line may be one of a list: a video, and something behind it, or a number.

    >>> is_entry("a.mp4 squat"), is_entry("frames 3"), is_entry("Ask her.")
    (True, True, False)
    """
    return bool(_ENTRY.fullmatch(line.strip()) or re.fullmatch(r"\S+\s+\d+", line.strip()))


def is_list(line: str) -> bool:
    """Tell whether a line is one of a list: a video, and a number behind a space.

    >>> is_list("a, b.mp4 3"), is_list("a.mp4,squat 3")
    (True, False)
    """
    match = _ENTRY.fullmatch(line.strip())
    return match is not None and match[2].isdigit()


def read_list(path: str, text: str, gathering: Gathering, places: Places) -> None:
    """Read a list.

    Args:
        path: The file.
        text: Its content.
        gathering: Takes what is in it.
        places: Where its videos lie.

    Raises:
        TruthError: The names of its classes can't be read, or its numbers are none of classes.
    """
    entries: list[tuple[str, str, str]] = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if not line.strip():
            continue
        place = f"line {number}"
        match = _ENTRY.fullmatch(line.strip())
        video, _, label = line.strip().rpartition(" ")
        if match is not None:
            video, label = match[1], match[2]
        if not video.strip():
            gathering.unreadable(place, "one word and not a video and a label")
        elif _NUMBERS.fullmatch(label) or (match is None and _NUMBERS.fullmatch(line.strip())):
            gathering.unreadable(place, "several numbers behind the video, and one label is read")
        else:
            entries.append((place, video.strip(), label))
    if _HMDB.search(os.path.splitext(path)[0]) and {one for _, _, one in entries} <= {*"012"}:
        message = "as in HMDB51, its numbers say what a video is for, and not what is done in it"
        raise TruthError(path, f"{path}: {message}; name the folder with a folder per label.")
    names = names_of(path, [label for _, _, label in entries], gathering)
    for place, name, given in entries:
        try:
            label = gathering.label(place, given if names is None else names.name(given))
        except ValueError as exc:
            gathering.unreadable(place, exc)
            continue
        video = gathering.video(place, name, partial(places.find, name))
        if video is not None and label is not None:
            gathering.say_whole(place, video, label)
