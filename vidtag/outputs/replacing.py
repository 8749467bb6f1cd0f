"""What an output may take the place of: nothing of the user's is overwritten by mistake.

The one rule, for every command that writes files, asked before any work:

- never an input, under whatever name or link;
- never a video, a picture or a recording, but where the command makes one;
- a file that the user names is replaced, as `-o` says;
- in a folder, where vidtag makes up the names, only what vidtag made is replaced, unless the user
  says `--force`. What that is, its JSON documents and pages tell themselves, and `.vidtag.jsonl`
  lists the rest.

What the suffix of a name says of its format is `destination`'s business.
"""

import os
import re
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence

from vidtag.errors import UsageError
from vidtag.extensions import VIDEO_EXTENSIONS
from vidtag.outputs.atomic import is_special
from vidtag.outputs.fingerprint import RECORDS_NAME
from vidtag.outputs.records import Records
from vidtag.urls import is_address, is_url, without_credentials

Identity = tuple[int, int]
"""Device and number of a file: the same for all its names."""

# fmt: off
MEDIA_EXTENSIONS = VIDEO_EXTENSIONS | {
    # Pictures, also animated ones.
    ".apng", ".arw", ".bmp", ".cr2", ".cr3", ".dng", ".exr", ".gif", ".heic", ".heif",
    ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".jxl", ".nef", ".orf", ".pbm",
    ".pgm", ".png", ".ppm", ".psd", ".qoi", ".raf", ".raw", ".rw2", ".svg", ".tga", ".tif",
    ".tiff", ".webp", ".xcf",
    # Sound.
    ".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".au", ".caf", ".flac", ".m4a", ".m4b",
    ".mid", ".mka", ".mp2", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma", ".wv",
    # Video that is not taken from folders.
    ".braw", ".f4p", ".m4p", ".mve", ".r3d", ".swf", ".vc1", ".yuv",
}
# fmt: on
"""Suffixes of files that hold pictures or sound, in lower case."""

_HEAD_BYTES = 4096
"""As much of a file is looked at: all of the marks below begin within it."""

# The first bytes, as the formats' specifications have them; no text begins like this.
_MEDIA = re.compile(
    rb"....(ftyp|moov|mdat|wide|moof|styp|jP  )"  # ISO base media, QuickTime, HEIF, JPEG 2000
    rb"|\x1aE\xdf\xa3"  # Matroska, WebM
    rb"|(RIFF|RF64)....(AVI |WEBP|WAVE)|FORM....AIF[FC]"
    rb"|\x00{2,3}\x01[\x09\x27\x40\x46\x67\xb0\xb3\xb5\xba]"  # MPEG streams without a container
    rb"|\x47.{187}\x47.{187}\x47|....\x47.{191}\x47.{191}\x47"  # MPEG transport streams
    rb"|FLV\x01|OggS\x00|fLaC[\x00\x80]|ID3[\x02-\x04]|\xff[\xf1-\xf3\xf9-\xfb]"
    rb"|0&\xb2u\x8ef\xcf\x11|\.RMF\x00|DKIF\x00|YUV4MPEG2 |\x06\x0e\x2b\x34"  # WMV, …, MXF
    rb"|\x89PNG|\xff\xd8\xff|GIF8[79]a|BM....\x00\x00\x00\x00|II\*\x00|MM\x00\*"
    rb"|8BPS\x00|\xff\x0a|\x00\x00\x00\x0cJXL |qoif\x00|v/1\x01",
    re.DOTALL,
)
_DOCUMENT = re.compile(rb'\s*\{\s*"schema_version":\s*\d+,\s*"vidtag_version":\s*"')
_PAGE = b'<meta name="generator" content="vidtag '


def find_read(names: Iterable[str]) -> dict[Identity, str]:
    """Find what is read, so that no output takes its place.

    Args:
        names: Inputs, lists of them, stored documents, and folders of a model, of which the files
            count. `-` is what stdin is redirected from. URLs and what is not there are left out.

    Returns:
        The name of each file by its identity.
    """
    read: dict[Identity, str] = {}
    for name in names:
        if name == "-":
            _note(read, sys.__stdin__.fileno() if sys.__stdin__ else 0, "standard input")
        elif os.path.isdir(name):
            _note_files(read, name)
        elif not is_url(name):
            _note(read, name, name)
    return read


def _note_files(read: dict[Identity, str], folder: str) -> None:
    try:
        for name in sorted(os.listdir(folder)):
            _note(read, os.path.join(folder, name), os.path.join(folder, name))
    except OSError:  # whoever reads it says so
        return


def _note(read: dict[Identity, str], file: str | int, name: str) -> None:
    try:
        info = os.stat(file)
    except (OSError, ValueError):
        return
    if stat.S_ISREG(info.st_mode):
        read.setdefault((info.st_dev, info.st_ino), name)


def refuse_to_destroy(
    paths: Iterable[str], read: Mapping[Identity, str], *, makes_media: bool = False
) -> None:
    """Refuse outputs that would take the place of an input, a video or a picture.

    Args:
        paths: What is to be written.
        read: What is read, by `find_read`.
        makes_media: Whether pictures or videos are written.

    Raises:
        UsageError: One of them would.
    """
    for path in paths:
        if is_address(path):
            raise UsageError(
                f"'{without_credentials(path)}' is an address, but results are written to files; "
                "name a file, or leave -o out and pipe the result to a program that sends it."
            )
        try:
            info = os.stat(path)
        except (OSError, ValueError):
            info = None
        if info is not None and stat.S_ISBLK(info.st_mode):
            raise UsageError(f"'{path}' is a disk, which no result is written over; name a file.")
        known = None if info is None else read.get((info.st_dev, info.st_ino))
        if known is not None and not is_special(path):
            also = "" if known == path else f" ('{known}')"
            raise UsageError(
                f"'{path}' is an input{also} and would be overwritten; name another output."
            )
        if makes_media:
            continue
        real = os.path.realpath(path) if os.path.islink(path) else path
        if os.path.basename(path) == RECORDS_NAME:
            raise UsageError(f"'{path}' is where vidtag keeps its records; name another output.")
        if is_media_name(path) or is_media_name(real):
            leads = "" if is_media_name(path) else f" leads to '{real}', which"
            raise UsageError(
                f"'{path}'{leads} is the name of a video, a picture or sound, but results are "
                "text; name another output."
            )
        if _MEDIA.match(_head(path)):
            raise UsageError(
                f"'{path}' holds a video, a picture or sound and would be overwritten; name "
                "another output."
            )


def is_media_name(path: str) -> bool:
    """Tell whether a file of this name holds pictures or sound.

    >>> is_media_name("a.mov"), is_media_name("a.mov.json")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in MEDIA_EXTENSIONS


def _head(path: str) -> bytes:
    if not os.path.isfile(path):  # reading a pipe would wait
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def refuse_foreign(paths: Sequence[str], records: Records, *, force: bool) -> None:
    """Refuse to replace in a folder what vidtag did not make.

    Raises:
        UsageError: There is something else under one of these names.
    """
    if force:
        return
    foreign = [path for path in paths if is_foreign(path, records)]
    if records.is_foreign():
        foreign.append(records.path)
    if foreign:
        more = f" (and {len(foreign) - 1} more)" if len(foreign) > 1 else ""
        raise UsageError(
            f"'{foreign[0]}'{more} was not made by vidtag and would be overwritten; name another "
            "folder, or add --force."
        )


def is_foreign(path: str, records: Records) -> bool:
    """Tell whether a file is there that vidtag did not make; an empty one is nobody's.

    What is no file, such as a folder, can't be replaced at all: writing it says so.
    """
    if not os.path.lexists(path):
        return False
    is_link = os.path.islink(path)
    try:
        info = os.stat(path)
    except OSError:
        return is_link  # one that leads nowhere, or nowhere yet
    if not stat.S_ISREG(info.st_mode) or not info.st_size:
        return False
    # First, since for what is not listed all records are read again.
    head = _head(path)
    if _DOCUMENT.match(head) or _PAGE in head:
        return False
    # A link of a listed name may lead to anything by now.
    return is_link or not records.lists(path)
