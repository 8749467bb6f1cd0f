"""The lists of words inside the package: what published models can name, and nothing of it."""

import functools
from pathlib import Path

_FOLDER = Path(__file__).parent / "vocabulary"


@functools.cache
def read_vocabulary(name: str) -> tuple[str, ...]:
    """Read a packaged list: `kinetics400`, `something_something_v2` or `nothing`."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)
