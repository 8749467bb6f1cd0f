"""Audacity's label tracks: start, end and label between tabs, beside a video of the same name.

Source: https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

import os
import re

from vidtag.formats.truths.content import seconds_of_text
from vidtag.formats.truths.gathering import Gathering
from vidtag.formats.truths.places import Places

_ENTRY = re.compile(r"\s*-?\d+(?:\.\d+)?\t-?\d+(?:\.\d+)?(?:\t.*)?")


def is_audacity(text: str) -> bool:
    r"""Tell whether a text is of this kind, by its first line.

    >>> is_audacity("0.5\t1.5\tsquat\n"), is_audacity("a.mp4\tsquat\n")
    (True, False)
    """
    first = next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")
    return _ENTRY.fullmatch(first) is not None


def read_audacity(path: str, text: str, gathering: Gathering, places: Places) -> None:
    """Read a label track.

    Args:
        path: The file.
        text: Its content.
        gathering: Takes what is in it.
        places: Where its video lies.
    """
    name = os.path.basename(path)
    shown = f"{os.path.splitext(name)[0]}.*"
    video = gathering.video(name, shown, lambda: places.find_beside(path))
    if video is None:
        return
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        place = f"line {number}"
        if not line.strip() or line.startswith("\\"):  # the frequencies of the label above
            continue
        start, _, rest = line.partition("\t")
        end, _, given = rest.partition("\t")
        label = gathering.label(place, given)
        if label is None:
            continue
        try:
            times = seconds_of_text(start), seconds_of_text(end)
        except ValueError as exc:
            gathering.unreadable(place, exc)
            continue
        gathering.say_segment(place, video, *times, label)
