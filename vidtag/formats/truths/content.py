"""The content of a label file: its bytes, its text, and the times in it.

Owns what no layout is needed to refuse: what can't be opened, what is no text, and what is no
time. No encoding is guessed: UTF-8 it is, or UTF-16 where the file says so.
"""

import codecs
import json
import os
import re
import stat
from collections import Counter
from fractions import Fraction
from math import isfinite

from vidtag.documents.stored import MAX_BYTES, MAX_SECONDS
from vidtag.errors import TruthError
from vidtag.seconds import parse_time
from vidtag.text import printable

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_MAX_DIGITS = 40
"""Of a number: more say nothing, and Python takes none beyond 4300."""


def read_bytes(path: str) -> bytes:
    """Read a whole label file.

    Raises:
        TruthError: It can't be read, is empty, or larger than any.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise TruthError(path, f"{path} can't be read: it is no regular file.")
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise TruthError(path, f"{path} can't be read: {exc.strerror or exc}.") from exc
    except ValueError as exc:
        raise TruthError(path, f"{path} can't be read: {exc}.") from exc
    if len(data) > MAX_BYTES:
        raise TruthError(path, f"{path} has more than {MAX_BYTES >> 20} MB; split it.")
    if not data.strip(b" \t\r\n\0"):
        raise TruthError(path, f"{path} is empty: there are no labels in it.")
    return data


def decode(path: str, data: bytes) -> str:
    """Decode a text: UTF-8, with or without a mark in front, or UTF-16 with one.

    Args:
        path: What to call it in an error.
        data: The content.

    Raises:
        TruthError: It is neither; the message names the line.
    """
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as exc:
        line = _line(data[: exc.start].decode(encoding, "ignore"))
        what = (
            "broken UTF-16" if encoding == "utf-16" else f"no UTF-8 (byte 0x{data[exc.start]:02x})"
        )
        message = f"{path}: line {line}: this is {what}; save the file as UTF-8."
        raise TruthError(path, message) from exc
    if "\0" in text:
        line = _line(text[: text.index("\0")])
        message = (
            f"{path}: line {line}: there is a NUL, so this is no UTF-8 text; save it as UTF-8."
        )
        raise TruthError(path, message)
    return text.removeprefix("\ufeff")  # some programs write two of them


class _RepeatedError(Exception):
    """Holds a key that stands twice in one object."""


def refuse_repeated_keys(path: str, text: str) -> None:
    """Refuse JSON in which a key stands twice in one object: a parser keeps the last, unsaid.

    Args:
        path: What to call it in an error.
        text: JSON that a parser takes.

    Raises:
        TruthError: It has such a key.
    """

    def check(pairs: list[tuple[str, object]]) -> None:
        if len(dict(pairs)) < len(pairs):
            [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
            raise _RepeatedError(key)

    try:
        json.loads(text, object_pairs_hook=check, parse_int=float, strict=False)
    except _RepeatedError as exc:
        key = printable(str(exc))[:_MAX_DIGITS]
        message = f"the key '{key}' stands twice in one object, of which one would be lost"
        raise TruthError(path, f"{path}: {message}; merge them.") from exc


def _line(before: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", before)) + 1


def seconds_of_text(text: str) -> Fraction:
    """Read a time that a person wrote: seconds or a clock, perhaps with a minus in front.

    >>> seconds_of_text("1:30.5"), seconds_of_text("-2")
    (Fraction(181, 2), Fraction(-2, 1))

    Raises:
        ValueError: It is none; the message says so.
    """
    plain = text.strip()
    if not plain:
        raise ValueError("a time is missing")
    try:
        if len(plain) > _MAX_DIGITS:
            raise ValueError
        seconds = parse_time(plain.removeprefix("-"))
    except ValueError:
        raise ValueError(f"'{plain[:_MAX_DIGITS]}' is no time, such as 90, 1:30 or 90.5") from None
    return _bounded(-seconds if plain.startswith("-") else seconds)


def seconds_of_number(value: object) -> Fraction:
    """Take a time from JSON: a finite number, exactly as it is written.

    >>> seconds_of_number(12.2)
    Fraction(61, 5)

    Raises:
        ValueError: It is none; the message says so.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{_short(value)} is no time in seconds")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is no time")
    if abs(value) > MAX_SECONDS:
        raise ValueError("a time lies beyond any video")
    return Fraction(repr(value))


def _bounded(seconds: Fraction) -> Fraction:
    if abs(seconds) > MAX_SECONDS:
        raise ValueError("a time lies beyond any video")
    return seconds


def _short(value: object) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= _MAX_DIGITS else f"{text[: _MAX_DIGITS - 1]}…"
