"""Time as text and back: parsing, rounding, the clock that people read.

Time itself is exact (`Fraction`) everywhere until it is printed or stored.
"""

import re
from fractions import Fraction

_CLOCK = re.compile(r"(?:(?:(\d+):)?([0-5]?\d):)?(\d+(?:\.\d*)?|\.\d+)", re.ASCII)


def format_seconds(seconds: Fraction | float) -> str:
    """Write a time as a person reads it.

    >>> format_seconds(Fraction(3, 2)), format_seconds(75), format_seconds(3661.25)
    ('0:01.5', '1:15', '1:01:01.25')
    """
    millis = round(Fraction(seconds) * 1000)
    minutes, millis = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, rest = divmod(millis, 1000)
    decimals = f".{rest:03d}".rstrip("0") if rest else ""
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{whole:02d}{decimals}"


def format_clock(millis: int) -> str:
    """Write a time as a spreadsheet reads it, to the millisecond.

    >>> format_clock(62_500), format_clock(36_000_000)
    ('0:01:02.500', '10:00:00.000')
    """
    seconds, millis = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{millis:03d}"


def round_seconds(seconds: Fraction | float) -> float:
    """Round a time to milliseconds.

    >>> round_seconds(Fraction(1001, 30000))
    0.033
    """
    if isinstance(seconds, float):
        return round(seconds, 3)  # as exact as the fraction's way, and fifty times as fast
    return float(round(Fraction(seconds), 3))


def milliseconds(seconds: float) -> int:
    """Count the milliseconds of a document's time, which is a whole number of them.

    >>> milliseconds(1.001)
    1001
    """
    return round(seconds * 1000)


def parse_time(text: str | Fraction) -> Fraction:
    """Read a time: seconds, or minutes and hours before colons.

    >>> parse_time("90"), parse_time("1:30"), parse_time("00:01:30.5")
    (Fraction(90, 1), Fraction(90, 1), Fraction(181, 2))
    """
    match = _CLOCK.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is no time; write 90, 1:30 or 00:01:30.5.")
    hours, minutes, seconds = match.groups()
    if minutes is not None and float(seconds) >= 60:
        raise ValueError(f"{text!r} is no time: after a colon, seconds end at 59.")
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(seconds)


def parse_length(text: str | Fraction) -> Fraction:
    """Read a length of more than 0 seconds.

    >>> parse_length("0.5")
    Fraction(1, 2)
    """
    length = parse_span(text)
    if length == 0:
        raise ValueError("it must be more than 0 seconds.")
    return length


def parse_span(text: str | Fraction) -> Fraction:
    """Read a length of 0 or more seconds; defaults come as they are."""
    match = re.fullmatch(r"\d+(?:\.\d*)?|\.\d+", str(text).strip(), re.ASCII)
    if match is None:
        raise ValueError(f"{text!r} is no length; write seconds, such as 2 or 0.5.")
    return Fraction(match[0])
