"""What a format is: a name, a suffix, a writer, and all that the code around it asks of one.

A writer is a pure function from results to the text of one file, or to its bytes where it is
none; where they go is the caller's business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vidtag.documents.records import Document, Failure, StepRecord
from vidtag.report.format import Place
from vidtag.text import encode

__all__ = ["Format", "Place", "Writer", "one"]

Writer = Callable[[Sequence[Document | Failure]], str]


def _refuse_text(results: Sequence[Document | Failure]) -> str:
    raise ValueError("this format is no text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One output format. What it does not say of itself, nobody asks by its name."""

    name: str
    """What `-f` takes."""

    suffix: str
    """What is added to a video's name in an output folder: `clip.mp4` + `.csv`."""

    summary: str
    """One line for a person who chooses."""

    joins: bool
    """Whether several videos make one file; otherwise `write` takes exactly one."""

    write: Writer = _refuse_text
    """Write the text of one file; failed inputs are left out, unless it names them."""

    write_bytes: Callable[[Sequence[Document | Failure]], bytes] | None = None
    """Write one file that is no text; it has no `write` then, and grows by no `append`."""

    check: Callable[[], None] | None = None
    """Refuse with a `UsageError`, before any work, where what it needs is not installed."""

    append: Callable[[Document | Failure], str] | None = None
    """What one more result adds to the text of a file, where a file grows line by line:
    `write(results) == write([]) + "".join(map(append, results))`."""

    write_step: Callable[[str, StepRecord], str] | None = None
    """What stdout gets of a step as soon as that is known: takes the input's name, and the step.
    At the end of the video, `write_end` follows."""

    write_end: Callable[[Document | Failure], str] | None = None
    """What stdout gets of a result whose steps stand there already."""

    write_at: Callable[[Document, Place], str] | None = None
    """Write one video's file for its place on disk, where that makes a difference."""

    write_file: Callable[[Document, Place, str], None] | None = None
    """Write one video's file by its name, where that is no text: takes the document, its place, and
    the name under which it is written until it is whole."""

    extras: str = ""
    """What is in the file beyond what the document gives, such as maps; a file without it is not
    the same."""

    joined_suffixes: tuple[str, ...] | None = None
    """What a file for several videos ends in; the end of `suffix` where `None`."""

    names_failures: bool = False
    """Whether it has a place for an input that failed."""

    tells_its_record: bool = False
    """Whether a file tells itself what it was made from and how; other files need a record."""

    is_for_people: bool = False
    """Whether it is read on the screen: on stdout several follow each other, and characters that
    the terminal lacks are replaced."""

    show: Callable[[Document | Failure], None] | None = None
    """Print one result on a terminal, where that gets something else than `write` gives."""

    show_among: Callable[[Document | Failure, tuple[str, ...], bool], None] | None = None
    """Print one of several results on a terminal in less room than `show` takes: the result, the
    names of all inputs, and whether it is the first that is printed."""

    has_index: bool = False
    """Whether a folder of such files gets an index of them."""

    def __post_init__(self) -> None:
        if not self.suffix.startswith("."):
            raise ValueError(f"a suffix starts with a point, not {self.suffix!r}")

    @property
    def is_text(self) -> bool:
        """Whether files are text, which a terminal can show."""
        return self.write_bytes is None

    def to_bytes(self, results: Sequence[Document | Failure]) -> bytes:
        """Write one file as it lies on the disk."""
        if self.write_bytes is not None:
            return self.write_bytes(results)
        return encode(self.write(results))

    def to_bytes_at(self, document: Document, place: Place) -> bytes:
        """Write one video's file as it lies at its place on the disk."""
        if self.write_at is None:
            return self.to_bytes([document])
        return encode(self.write_at(document, place))

    @property
    def last_suffix(self) -> str:
        """What `suffix` ends in: `.json` of `.activitynet.json`."""
        return f".{self.suffix.rpartition('.')[2]}"


def one(write: Callable[[Document], str]) -> Writer:
    """Make a writer of one document into one that checks that it is given one."""

    def write_one(results: Sequence[Document | Failure]) -> str:
        documents = [result for result in results if isinstance(result, Document)]
        if len(documents) != 1:
            raise ValueError(f"this format holds one video, not {len(documents)}")
        return write(documents[0])

    return write_one
