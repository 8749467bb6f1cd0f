"""Which layout a path has, found by looking: the door to all that reads labels."""

import os
import re
from collections.abc import Callable, Iterator

from vidtag.documents.json import parse_json
from vidtag.errors import TruthError
from vidtag.extensions import is_video_name
from vidtag.formats.truths.activitynet import is_activitynet, read_activitynet
from vidtag.formats.truths.audacity import is_audacity, read_audacity
from vidtag.formats.truths.class_names import is_class_names
from vidtag.formats.truths.content import decode, read_bytes, refuse_repeated_keys
from vidtag.formats.truths.elan import read_eaf
from vidtag.formats.truths.folders import has_label_folders, read_folders
from vidtag.formats.truths.gathering import Gathering, is_subset_name, quoted
from vidtag.formats.truths.labelstudio import (
    is_labelstudio,
    is_labelstudio_min,
    read_labelstudio,
)
from vidtag.formats.truths.lists import is_entry
from vidtag.formats.truths.places import Places, walk_files
from vidtag.formats.truths.results import (
    is_document,
    is_truth_file,
    read_results,
    read_truth_file,
)
from vidtag.formats.truths.tables import read_table
from vidtag.formats.truths.truth import Truths

_JSON = {".json", ".jsonl", ".ndjson"}
_TABLES = {".csv", ".tsv", ".tab", ".txt"}
_LABEL_FILES = {*_JSON, *_TABLES, ".eaf"}

LAYOUTS = (
    "a folder per label, CSV or TSV (path,label[,start,end]), a list of paths and numbers,"
    " ActivityNet JSON, Label Studio JSON, ELAN .eaf, and vidtag's own results"
)
"""What is read, for a message."""


class _NoLayoutError(TruthError):
    """A file that may be something else than labels."""


def read_truths(path: str, *, videos: str | None = None) -> Truths:
    """Read what persons said of videos, in any layout that is known.

    Args:
        path: A label file, a folder of such files, or a folder with a folder for each label.
        videos: The folder in which the videos are looked for first; then beside the label file,
            and from here.

    Returns:
        The videos that are there, and sentences on what was left out or is odd.

    Raises:
        TruthError: It can't be read, fits no layout, or has nothing to be told from another thing:
            no label, or one alone that is of whole videos.
    """
    if videos is not None and not os.path.isdir(videos):
        raise TruthError(videos, f"There is no folder '{videos}' to look for videos in.")
    gathering = Gathering(path=path)
    if os.path.isdir(path):
        _read_folder(path, videos, gathering)
    elif os.path.lexists(path) or "\0" in path:
        _read_file(path, videos, gathering, _subset_of_path(os.path.basename(path)))
    else:
        raise TruthError(path, f"There is no file or folder '{path}'; check the spelling.")
    return gathering.finish()


def _read_folder(folder: str, videos: str | None, gathering: Gathering) -> None:
    # Below, beside videos, lie files for each of them, which need not be of labels.
    has_videos = has_label_folders(folder)
    files = list(_label_files(folder, is_deep=not has_videos))
    gathered = 0
    for name in files:
        gathering.prefix = f"{name}: "
        try:
            _read_file(os.path.join(folder, name), videos, gathering, _subset_of_path(name))
            gathered += 1
        except _NoLayoutError:
            gathering.note("no_labels", quoted(name))
    gathering.prefix, gathering.subset = "", None
    if not gathered and has_videos:
        read_folders(folder, gathering)
    elif not files:
        message = "there are neither files with labels nor folders with videos in it"
        raise TruthError(folder, f"{folder}: {message}; labels are read from {LAYOUTS}.")


def _label_files(folder: str, *, is_deep: bool) -> Iterator[str]:
    """List the files that may hold labels, by their paths in a folder."""
    for path in walk_files(folder, None if is_deep else 0):
        if _may_hold_labels(path):
            yield os.path.relpath(path, folder)


def _may_hold_labels(path: str) -> bool:
    name = os.path.basename(path)
    is_kind = os.path.splitext(name)[1].lower() in _LABEL_FILES
    if not is_kind or is_class_names(name) or re.match(r"(?i)readme|licen[cs]e|requirements", name):
        return False
    return os.path.isfile(path)


def _read_file(path: str, videos: str | None, gathering: Gathering, subset: str | None) -> None:
    gathering.subset = subset
    places = Places(own=os.path.dirname(path), videos=videos)
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".eaf":
        read_eaf(path, gathering, places)
        return
    if suffix not in _LABEL_FILES:
        message = f"no labels are read from files of this kind; there are {LAYOUTS}"
        raise _NoLayoutError(path, f"{path}: {message}.")
    data = read_bytes(path)
    text = decode(path, data)
    if suffix in _JSON or text.lstrip().startswith("{"):
        _read_json(path, text, gathering, places)
    elif suffix == ".txt" and is_audacity(text):
        read_audacity(path, text, gathering, places)
    elif suffix == ".txt" and not _is_table(text):
        message = "this is neither a list of videos with labels nor a track of labels"
        raise _NoLayoutError(path, f"{path}: {message}; labels are read from {LAYOUTS}.")
    else:
        read_table(path, text, gathering, places)


def _is_table(text: str) -> bool:
    """Tell whether a text is a table or list and no prose, by its first line."""
    first = next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")
    cells = [cell.strip(' "') for cell in re.split(r"[\t,;]", first)]
    is_row = any(map(is_video_name, cells)) or bool(re.search(r"(?i)\b(label|class)\b", first))
    return is_entry(first) or (len(cells) > 1 and is_row)


def _subset_of_path(name: str) -> str | None:
    """Tell the subset of `train.csv`, or of what lies in a folder `val`."""
    parts = os.path.splitext(name)[0].split(os.sep)
    return next((part for part in parts if is_subset_name(part)), None)


def _read_json(path: str, text: str, gathering: Gathering, places: Places) -> None:
    try:
        value = parse_json(text)
    except ValueError as exc:
        first, _, rest = text.lstrip().partition("\n")
        if not rest.strip() or not _is_json_of_ours(first):
            raise TruthError(path, f"{path}: this is no JSON ({exc}).") from exc
        read_results(path, text.encode("utf-8", "surrogatepass"), gathering, places)
        return
    if is_document(value):
        read_results(path, text.encode("utf-8", "surrogatepass"), gathering, places)
        return
    if is_labelstudio_min(value):
        message = "this is Label Studio's JSON-MIN, which leaves out the frame rate; export JSON"
        raise TruthError(path, f"{path}: {message}.")
    readers: tuple[tuple[Callable[[object], bool], Callable[..., None]], ...] = (
        (is_truth_file, read_truth_file),
        (is_activitynet, read_activitynet),
        (is_labelstudio, read_labelstudio),
    )
    for is_of_it, read in readers:
        if is_of_it(value):
            refuse_repeated_keys(path, text)
            read(path, value, gathering, places)
            return
    if value == []:
        raise TruthError(path, f"{path}: there is nothing in this list.")
    message = f"this JSON is of no layout that is known; labels are read from {LAYOUTS}"
    raise _NoLayoutError(path, f"{path}: {message}.")


def _is_json_of_ours(line: str) -> bool:
    try:
        return is_document(parse_json(line))
    except ValueError:
        return False
