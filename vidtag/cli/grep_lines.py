r"""How `vidtag grep` writes a hit: as grep does, in colour on a terminal, or as JSON."""

import json
from dataclasses import dataclass
from typing import Protocol

from vidtag.search.matching import Hit
from vidtag.text import encodable, escape_controls, escape_json

_NAME, _SIGN, _TIME, _LABEL = "35", "36", "32", "1;31"
"""ANSI colours: grep's own of a name, a separator, a line's number, and what matched."""


class HitLines(Protocol):
    """Writes lines, each with its line break, or a NUL in its place."""

    def hit(self, path: str, hit: Hit) -> str:
        """Write one hit."""

    def count(self, path: str, count: int) -> str:
        """Write how many hits an input has; zero is written, too."""

    def name(self, path: str) -> str:
        """Write the name of an input that has a hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLines:
    r"""Lines as grep writes them.

    >>> hit = Hit(start_seconds=5, end_seconds=9, label="run", index=1, score=0.9)
    >>> TextLines().hit("clip.mp4", hit)
    'clip.mp4:5.000-9.000:run:0.900000\n'
    >>> TextLines(names=False).count("clip.mp4", 2), TextLines(nul=True).name("clip.mp4")
    ('2\n', 'clip.mp4\x00')
    """

    nul: bool = False
    """A NUL follows each name, as with `grep -Z`, so that any name can be read back."""

    names: bool = True
    """Whether names stand before hits and counts."""

    is_coloured: bool = False
    """Whether colours tell the parts apart."""

    def hit(self, path: str, hit: Hit) -> str:
        """Write name, seconds, label and score; the label's control characters are escaped."""
        sign = self._in(_SIGN, ":")
        times = self._in(_TIME, f"{hit.start_seconds:.3f}-{hit.end_seconds:.3f}")
        label = self._in(_LABEL, escape_controls(hit.label))
        return f"{self._before(path)}{times}{sign}{label}{sign}{hit.score:.6f}\n"

    def count(self, path: str, count: int) -> str:
        """Write how many hits an input has."""
        return f"{self._before(path)}{count}\n"

    def name(self, path: str) -> str:
        """Write a name."""
        shown = self._in(_NAME, path)
        return f"{shown}\0" if self.nul else f"{shown}\n"

    def _before(self, path: str) -> str:
        if not self.names:
            return ""
        return (
            f"{self._in(_NAME, path)}\0"
            if self.nul
            else (f"{self._in(_NAME, path)}{self._in(_SIGN, ':')}")
        )

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[m" if self.is_coloured else text


class JsonLines:
    """JSON objects, one per line, with the fields' names that documents have."""

    def hit(self, path: str, hit: Hit) -> str:
        """Write one hit.

        >>> hit = Hit(start_seconds=5.0, end_seconds=9.0, label="run", index=1, score=0.9)
        >>> JsonLines().hit("a.mp4", hit).startswith('{"path": "a.mp4", "start_seconds": 5.0, ')
        True
        """
        return _json(
            path=encodable(path),
            start_seconds=hit.start_seconds,
            end_seconds=hit.end_seconds,
            label=hit.label,
            index=hit.index,
            score=round(hit.score, 6),
        )

    def count(self, path: str, count: int) -> str:
        """Write how many hits an input has."""
        return _json(path=encodable(path), count=count)

    def name(self, path: str) -> str:
        """Write the name of an input that has a hit."""
        return _json(path=encodable(path))


def _json(**values: object) -> str:
    text = escape_json(json.dumps(values, ensure_ascii=False, allow_nan=False))
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"
