r"""Text of strangers, made safe for where it is shown: a terminal, a line, JSON, XML.

File names, metadata, a model's labels and every string of a stored document come from elsewhere:
they may carry line breaks, escape sequences for a terminal, changes of writing direction, or
halves of characters that no encoder takes. JSON keeps all of them, escaped. A terminal shows
them as Python would (`\x1b`), the other formats as JSON would (`\n`, `\u001b`), or leave them
out where a person reads the text.
"""

import re

# C0 and C1 controls and delete, line separators, changes of writing direction, surrogates
# (no UTF-8), and the code points that XML 1.0 excludes.
_ACTIVE = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
_ACTIVE_RUN = re.compile(f"[{_ACTIVE}]+")
_ACTIVE_ONE = re.compile(f"[{_ACTIVE}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# On a terminal also what hides: zero-width marks, but for the joiners, which emoji and scripts
# need.
_UNSAFE_ON_TERMINAL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)

# JSON itself escapes C0; these may stand in it raw, but a terminal or a line reader may act on
# them. They only ever stand inside strings.
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# Surrogates that stand for no byte of a file name.
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def encodable(text: str) -> str:
    r"""Replace what is no UTF-8 in a file name, so that any encoder takes it.

    >>> encodable("caf\udce9.mp4")
    'caf�.mp4'
    """
    whole = _HALVES.sub("\ufffd", text)
    return whole.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def printable(text: str) -> str:
    r"""Make a text safe to print on a terminal, on one line.

    >>> printable("a\x1b[31mb\nc")
    'a\\x1b[31mb\\nc'
    """
    return _UNSAFE_ON_TERMINAL.sub(lambda match: repr(match[0])[1:-1], encodable(text))


def escape_controls(text: str, *, keep: str = "") -> str:
    r"""Write control characters as JSON does, and leave backslashes alone.

    Args:
        text: A name or a label.
        keep: Control characters that the format carries.

    >>> escape_controls("a\nb\x1b[31m")
    'a\\nb\\u001b[31m'
    """

    def escape(match: re.Match[str]) -> str:
        character = match[0]
        if character in keep:
            return character
        return _SHORT.get(character) or f"\\u{ord(character):04x}"

    return _ACTIVE_ONE.sub(escape, text)


def one_line(text: str, index: int) -> str:
    r"""Make a label one line for a person: runs of control characters become one space.

    Args:
        text: The label.
        index: The class's place in the model's outputs, which stands in for an empty label.

    >>> one_line("riding a\nbike", 3), one_line("\t", 3)
    ('riding a bike', '#3')
    """
    return " ".join(_ACTIVE_RUN.sub(" ", text).split()) or f"#{index}"


def escape_json(text: str) -> str:
    r"""Escape in JSON what may stand in it raw, but acts elsewhere.

    >>> escape_json('["\u202e"]')
    '["\\u202e"]'
    """
    return _RAW_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def encode(text: str) -> bytes:
    """Encode as UTF-8; bytes of a name that are none are spelled out."""
    return text.encode("utf-8", "backslashreplace")
