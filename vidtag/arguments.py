"""What a caller passes from Python, checked: a sentence says what is wrong with it.

A value of a wrong type is a `TypeError`, one that makes no sense a `ValueError`; neither is ever
a `VidtagError`. The functions that `take` a field of a frozen dataclass also put it into its
exact type, so that `2`, `2.0` and numpy's numbers shape a result in the same way.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real


def exact(name: str, value: object) -> Fraction:
    """Make a number exact; a float means what it prints.

    >>> exact("stride_seconds", 0.1)
    Fraction(1, 10)
    """
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise wrong_type(name, "a number", value)
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")
    if isinstance(value, Fraction | int | Decimal):
        return Fraction(value)
    return Fraction(repr(float(value)))


def take_seconds(owner: object, name: str, *, may_be_none: bool = False) -> Fraction | None:
    """Make a field exact seconds, and return it."""
    value = getattr(owner, name)
    if value is None and may_be_none:
        return None
    seconds = exact(name, value)
    object.__setattr__(owner, name, seconds)
    return seconds


def take_number(owner: object, name: str) -> float:
    """Make a field a float, and return it."""
    number = float(exact(name, getattr(owner, name)))
    object.__setattr__(owner, name, number)
    return number


def take_whole(owner: object, name: str, *, least: int | None = None) -> int:
    """Make a field an int, and return it."""
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise wrong_type(name, "a whole number", value)
    whole = int(value)
    if least is not None and whole < least:
        raise ValueError(f"{name} must be at least {least}, not {whole}")
    object.__setattr__(owner, name, whole)
    return whole


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Check that a value is one of some words."""
    check_kind(name, value, str)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def check_kind(name: str, value: object, *kinds: type) -> None:
    """Check that a value is of one of some types."""
    if not isinstance(value, kinds):
        names = ["None" if kind is type(None) else kind.__name__ for kind in kinds]
        raise wrong_type(name, " or ".join(names), value)


def wrong_type(name: str, expected: str, value: object) -> TypeError:
    """Say what was expected and what came instead."""
    text = repr(value)
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    return TypeError(f"{name} must be {expected}, not {shown} ({type(value).__name__})")
