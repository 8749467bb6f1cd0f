"""Tables of labels: CSV and TSV, with and without a header, and vidtag's own.

Columns are `path,label[,start,end]`; with a header, in any order and among others. Times are
seconds or clocks, in vidtag's own whole milliseconds. One of its rows without label and times says
that nothing holds in a video; its rows of steps are refused, since they are a model's guesses. The
lists of VideoMAE and MMAction2, with a space between path and number, are read by `lists`.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from vidtag.errors import TruthError
from vidtag.extensions import is_video_name
from vidtag.formats.rows import STEP_COLUMNS
from vidtag.formats.tabular import COLUMNS
from vidtag.formats.truths.class_names import ClassNames, names_of
from vidtag.formats.truths.content import seconds_of_text
from vidtag.formats.truths.gathering import Gathering, quoted
from vidtag.formats.truths.lists import is_list, read_list
from vidtag.formats.truths.places import Places
from vidtag.text import printable

_NAMES = {
    "path": {"path", "file", "filename", "file_name", "filepath", "file_path", "video"}
    | {"video_path", "video_file", "clip"},
    "label": {"label", "class", "action", "activity", "class_name", "label_name", "tag"},
    "start": {"start", "start_seconds", "start_time", "time_start", "t_start", "begin", "start_s"},
    "end": {"end", "end_seconds", "end_time", "time_end", "t_end", "stop", "end_s"},
    "start_ms": {"start_ms"},
    "end_ms": {"end_ms"},
    "subset": {"subset", "split"},
}

_OWN = COLUMNS[:4]
_OWN_ALSO = {*COLUMNS}
_OWN_STEPS = STEP_COLUMNS[:4]

# What the writers escape: controls and the like. Source: `vidtag.text.escape_controls`.
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})|\\([tnr\\])")
_ESCAPED_IN_CSV = re.compile(r"\\u([0-9a-f]{4})")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}

_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"')

_TIME = re.compile(
    r"(?:start|end|begin|stop|onset)[\W_]*(?:$|time|sec|s\b|ms\b|min|frame)|.*_(?:start|end|stop)$"
)
"""Names of columns that tell when a label holds, in whatever unit."""

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")

Row = tuple[int, list[str]]
"""The line on which a row starts, counted from 1, and its cells."""


def read_table(path: str, text: str, gathering: Gathering, places: Places) -> None:
    """Read a table or a list.

    Args:
        path: The file.
        text: Its content.
        gathering: Takes what is in it.
        places: Where its videos lie.

    Raises:
        TruthError: It is no table, or columns are missing; the message names the line.
    """
    first = next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")
    delimiter = _delimiter(path, first)
    if delimiter is None or is_list(first):
        read_list(path, text, gathering, places)
        return
    beginning = tuple(cell.strip('"') for cell in first.split(delimiter)[:4])
    if beginning == _OWN_STEPS:
        raise TruthError(
            path, f"{path}: a row is a tag of a step, not a label; write it without --per step."
        )
    is_own = beginning == _OWN
    if is_own and delimiter == "\t":
        rows = list(_split_own_tsv(text))
    else:
        rows = list(_split(path, text, delimiter, is_own=is_own))
    table = _Table(path=path, rows=rows, is_own=is_own, is_tsv=delimiter == "\t")
    table.gather(gathering, places)


def _delimiter(path: str, first: str) -> str | None:
    order = "\t,;" if path.lower().endswith((".tsv", ".tab")) else ",\t;"
    if "," not in first or "\t" not in first:
        order = "\t,;"
    return next((one for one in order if one in first), None)


def _split(path: str, text: str, delimiter: str, *, is_own: bool) -> Iterator[Row]:
    # Persons write blanks behind commas, and quotes behind these; vidtag's names may begin so.
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        skipinitialspace=not is_own,
        strict=True,
    )
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            what = "a quote is opened and never closed" if "end of data" in str(exc) else str(exc)
            raise TruthError(
                path, f"{path}: line {line}: {printable(what)}; correct this row."
            ) from exc
        if any(cell.strip() for cell in cells):
            yield line, cells


def _split_own_tsv(text: str) -> Iterator[Row]:
    for line, row in enumerate(text.split("\n"), start=1):
        if row.strip():
            yield line, row.removesuffix("\r").split("\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    path: str
    rows: list[Row]
    is_own: bool
    is_tsv: bool

    def gather(self, gathering: Gathering, places: Places) -> None:
        columns = self._columns()
        header_width = len(self.rows[0][1])
        rows = self.rows if columns is None else self.rows[1:]
        if columns is not None:
            known = {*columns.values()}
            header = enumerate(self.rows[0][1])
            others = [n for k, n in header if k not in known and n not in _OWN_ALSO]
            for name in others:
                gathering.note("column", quoted(name))
        names = self._class_names(columns, rows, gathering)
        for line, cells in rows:
            place = f"line {line}"
            if columns is None:
                chosen = _by_position(cells)
                wanted = "path,label or path,label,start,end"
            else:
                chosen = _by_name(cells, columns, header_width)
                wanted = f"the header's {header_width}"
            if chosen is None:
                number = f"{len(cells)} column{'s' * (len(cells) != 1)}"
                hint = "; quote names with commas" if len(cells) > 2 and not self.is_tsv else ""
                gathering.unreadable(place, f"{number} and not {wanted}{hint}")
                continue
            self._gather_row(place, chosen, names, gathering, places)

    def _gather_row(
        self,
        place: str,
        cells: dict[str, str],
        names: ClassNames | None,
        gathering: Gathering,
        places: Places,
    ) -> None:
        index = int(cells["index"]) if self.is_own and _is_number(cells.get("index", "")) else None
        path, text = cells["path"], cells["label"]
        if self.is_own:
            path, text = self._unescaped(path), self._unescaped(_no_apostrophe(text))
        elif _JSON.match(text):
            gathering.unreadable(place, "its label is JSON, as in Label Studio's CSV; export JSON")
            return
        elif names is not None:
            try:
                text = names.name(text.strip())
            except ValueError as exc:
                gathering.unreadable(place, exc)
                return
        if self.is_own and index is None and not (text or cells.get("start_ms")):
            video = gathering.video(place, path, partial(places.find, path))
            if video is not None:
                video.is_empty = True
            return
        label = gathering.label(place, text, index)
        if label is None:
            return
        try:
            interval = _interval(cells)
        except ValueError as exc:
            gathering.unreadable(place, exc)
            return
        video = gathering.video(place, path, partial(places.find, path), cells.get("subset"))
        if video is None:
            return
        if interval is None:
            gathering.say_whole(place, video, label)
        else:
            gathering.say_segment(place, video, *interval, label)

    def _columns(self) -> dict[str, int] | None:
        """Find the columns by the header; `None` where there is none."""
        line, cells = self.rows[0]
        plain = [re.sub(r"[\s-]+", "_", cell.strip().casefold()) for cell in cells]
        found: dict[str, int] = {}
        for column, names in _NAMES.items():
            at = [k for k, name in enumerate(plain) if name in names]
            if len(at) > 1:
                both = " and ".join(quoted(cells[k]) for k in at[:2])
                message = (
                    f"{self.path}: line {line}: {both} are both the column '{column}'; rename one."
                )
                raise TruthError(self.path, message)
            if at:
                found[column] = at[0]
        has_video = any(is_video_name(cell.strip()) for cell in cells)
        follows = len(self.rows) > 1 and any(is_video_name(c.strip()) for c in self.rows[1][1])
        if has_video or not (found or follows):
            return None
        for column in ("path", "label"):
            if column not in found:
                shown = ", ".join(quoted(cell) for cell in cells[:6])
                message = f"there is no column '{column}' among {shown}; name it in the header"
                raise TruthError(self.path, f"{self.path}: line {line}: {message}.")
        for one, other in (("start", "end"), ("end", "start"), ("start_ms", "end_ms")):
            if one in found and other not in found:
                message = f"there is a column '{one}', but none for '{other}'; add it"
                raise TruthError(self.path, f"{self.path}: line {line}: {message}.")
        unread = [cell for cell, name in zip(cells, plain, strict=True) if _TIME.match(name)]
        if unread and not {"start", "start_ms"} & found.keys():
            # Without its times, a row would speak of its whole video.
            message = (
                f"{quoted(unread[0])} seems to be a time in an unknown unit; call the columns"
                " 'start' and 'end' for seconds and clocks, 'start_ms' and 'end_ms' for"
                " milliseconds"
            )
            raise TruthError(self.path, f"{self.path}: line {line}: {message}.")
        if self.is_own:
            found["index"] = plain.index("index") if "index" in plain else len(plain)
        return found

    def _class_names(
        self, columns: dict[str, int] | None, rows: Sequence[Row], gathering: Gathering
    ) -> ClassNames | None:
        at = 1 if columns is None else columns["label"]
        labels = [cells[at].strip() for _, cells in rows if len(cells) > at]
        return None if self.is_own else names_of(self.path, labels, gathering)

    def _unescaped(self, text: str) -> str:
        pattern = _ESCAPED if self.is_tsv else _ESCAPED_IN_CSV

        def plain(match: re.Match[str]) -> str:
            return chr(int(match[1], 16)) if match[1] else _LETTERS[match[2]]

        return pattern.sub(plain, text)


def _by_position(cells: list[str]) -> dict[str, str] | None:
    if len(cells) not in (2, 4):
        return None
    return dict(zip(("path", "label", "start", "end"), cells, strict=False))


def _by_name(cells: list[str], columns: dict[str, int], width: int) -> dict[str, str] | None:
    needed = max(columns["path"], columns["label"])
    if len(cells) > width or len(cells) <= needed:
        return None
    return {name: cells[k] if k < len(cells) else "" for name, k in columns.items()}


def _interval(cells: dict[str, str]) -> tuple[Fraction, Fraction] | None:
    """Read start and end; `None` where neither is there.

    Raises:
        ValueError: One is no time, or missing.
    """
    for start, end, divisor in (("start_ms", "end_ms", 1000), ("start", "end", None)):
        texts = [cells.get(start, ""), cells.get(end, "")]
        if any(text.strip() for text in texts):
            first, last = map(seconds_of_text, texts)
            if divisor and any(":" in text for text in texts):
                raise ValueError("a clock is no number of milliseconds")
            return (first / divisor, last / divisor) if divisor else (first, last)
    return None


def _is_number(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit() and len(text.strip()) < 10


def _no_apostrophe(text: str) -> str:
    is_formula = text.startswith("'") and text[1:].lstrip(" \t\r\n").startswith(_FORMULA)
    return text[1:] if is_formula else text
