"""One writer per output format, all over the same document.

Owns the list of formats. A format is a module here, which says all of it, and a line below.
Nothing heavy is imported: all but the table and the pages need the standard library alone, and
those two load what they need when they write.
"""

from collections.abc import Mapping
from types import MappingProxyType

from vidtag.formats import (
    activitynet,
    chapters,
    elan,
    html,
    jsonlines,
    labelstudio,
    otio,
    subtitles,
    table,
    tabular,
)
from vidtag.formats.format import Format

__all__ = ["FORMATS", "FOR_PEOPLE", "FOR_PROGRAMS", "Format", "get_format"]

FOR_PEOPLE = table.FORMAT
"""What stdout gets where nothing was asked for."""

FOR_PROGRAMS = jsonlines.FORMAT
"""What a folder gets where nothing was asked for."""

_ALL = (
    table.FORMAT,
    jsonlines.FORMAT,
    tabular.CSV,
    tabular.TSV,
    subtitles.SRT,
    subtitles.VTT,
    chapters.FORMAT,
    otio.FORMAT,
    elan.FORMAT,
    activitynet.FORMAT,
    labelstudio.TASKS,
    labelstudio.CONFIG,
    html.FORMAT,
)

FORMATS: Mapping[str, Format] = MappingProxyType({one.name: one for one in _ALL})
"""Every format by its name, in the order in which help lists them."""


def get_format(name: str) -> Format:
    """Return a format by its name.

    Raises:
        ValueError: There is none of this name; the message lists those that there are.
    """
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise ValueError(f"There is no format {name!r}; choose from {known}.") from None
