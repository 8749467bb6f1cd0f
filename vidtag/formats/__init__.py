"""One writer per output format, all over the same document.

Owns the list of formats: name, file suffix, and how a file is written. A writer is a pure
function from results to the text of one file; where the text goes is the caller's business.
Nothing heavy is imported here: all of them need the standard library alone.

The table for a terminal is no file and stands apart, in `vidtag.formats.table`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from vidtag.documents.records import Document, Failure
from vidtag.formats import (
    activitynet,
    chapters,
    elan,
    jsonlines,
    labelstudio,
    otio,
    pages,
    subtitles,
    tabular,
)

__all__ = ["FORMATS", "Format", "get_format"]

Writer = Callable[[Sequence[Document | Failure]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One output format."""

    name: str
    """What `-f` takes."""

    suffix: str
    """What is added to a video's name in an output folder: `clip.mp4` + `.csv`."""

    summary: str
    """One line for a person who chooses."""

    joins: bool
    """Whether several videos make one file; otherwise `write` takes exactly one."""

    write: Writer
    """Write the text of one file. Failed inputs are left out, except of JSON, which names them."""

    append: Callable[[Document | Failure], str] | None = None
    """What one more result adds to the text of a file, where a file grows line by line:
    `write(results) == write([]) + "".join(map(append, results))`."""

    write_at: Callable[[Document, str, str], str] | None = None
    """Write one video's file for its place on disk, where that makes a difference: takes the
    document, the input, and the path of the file."""

    extras: str = ""
    """What is in the file beyond what the document gives, such as maps; a file without it is not
    the same."""

    def __post_init__(self) -> None:
        if not self.suffix.startswith("."):
            raise ValueError(f"a suffix starts with a point, not {self.suffix!r}")


def _one(write: Callable[[Document], str]) -> Writer:
    """Make a writer of one document into one that checks that it is given one."""

    def write_one(results: Sequence[Document | Failure]) -> str:
        documents = [result for result in results if isinstance(result, Document)]
        if len(documents) != 1:
            raise ValueError(f"this format holds one video, not {len(documents)}")
        return write(documents[0])

    return write_one


_ALL = (
    Format(
        name="json",
        suffix=".json",
        summary="the whole document, one line per video",
        joins=True,
        write=jsonlines.to_lines,
        append=jsonlines.to_line,
    ),
    Format(
        name="csv",
        suffix=".csv",
        summary="one row per segment, comma-separated, times in milliseconds",
        joins=True,
        write=tabular.write_csv,
        append=tabular.csv_rows,
    ),
    Format(
        name="tsv",
        suffix=".tsv",
        summary="one row per segment, tab-separated, times in milliseconds",
        joins=True,
        write=tabular.write_tsv,
        append=tabular.tsv_rows,
    ),
    Format(
        name="srt",
        suffix=".srt",
        summary="SubRip subtitles: a cue per segment",
        joins=False,
        write=_one(subtitles.write_srt),
    ),
    Format(
        name="vtt",
        suffix=".vtt",
        summary="WebVTT subtitles: a cue per segment",
        joins=False,
        write=_one(subtitles.write_vtt),
    ),
    Format(
        name="chapters",
        suffix=".ffmeta",
        summary="chapters as FFmpeg metadata, one per segment, to be muxed into the video",
        joins=False,
        write=_one(chapters.write_ffmetadata),
    ),
    Format(
        name="otio",
        suffix=".otio",
        summary="OpenTimelineIO for video editors: a marker per segment",
        joins=False,
        write=_one(otio.write_otio),
    ),
    Format(
        name="eaf",
        suffix=".eaf",
        summary="ELAN annotations: a tier per label",
        joins=False,
        write=_one(elan.write_eaf),
    ),
    Format(
        name="activitynet",
        suffix=".activitynet.json",
        summary="detection results as ActivityNet's evaluator reads them",
        joins=True,
        write=activitynet.write_activitynet,
    ),
    Format(
        name="labelstudio",
        suffix=".labelstudio.json",
        summary="Label Studio tasks with the segments as pre-annotations",
        joins=True,
        write=labelstudio.write_tasks,
    ),
    Format(
        name="labelstudio-config",
        suffix=".labelstudio.xml",
        summary="the labelling config that goes with labelstudio",
        joins=True,
        write=labelstudio.write_config,
    ),
    Format(
        name="html",
        suffix=".html",
        summary="a page to look at, with the video, a timeline strip and curves",
        joins=False,
        write=_one(pages.write_page),
        write_at=pages.write_page_at,
    ),
)

FORMATS: Mapping[str, Format] = MappingProxyType({one.name: one for one in _ALL})
"""Every format that makes a file, by name, in the order in which help lists them."""


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
