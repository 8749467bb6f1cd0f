"""One writer per output format, all over the same document.

Owns the list of formats. A format is a module here, which says all of it, and its line below.
Nothing heavy is imported: all but the table, Parquet and the pages need the standard library
alone, and those three load what they need when they write.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from vidtag.formats import jsonlines, table
from vidtag.formats.format import Format

__all__ = ["FORMATS", "FOR_PEOPLE", "FOR_PROGRAMS", "Format", "get_format"]

FOR_PEOPLE = table.FORMAT
"""What stdout gets where nothing was asked for."""

FOR_PROGRAMS = jsonlines.FORMAT
"""What a folder gets where nothing was asked for."""

# Every `Format` of these modules is one of the list, in this order, in which help has them, too.
_MODULES = (
    "table",
    "jsonlines",
    "tabular",
    "parquet",
    "subtitles",
    "chapters",
    "youtube",
    "otio",
    "edl",
    "fcp7",
    "fcpxml",
    "xmp",
    "audacity",
    "elan",
    "activitynet",
    "labelstudio",
    "steps",
    "html",
)


def _formats_of(module: str) -> list[Format]:
    names = vars(import_module(f"{__name__}.{module}"))
    return [value for value in names.values() if isinstance(value, Format)]


FORMATS: Mapping[str, Format] = MappingProxyType(
    {one.name: one for module in _MODULES for one in _formats_of(module)}
)
"""Every format by its name."""


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
