r"""Names and labels as text that cannot act.

File names and a model's labels come from elsewhere: they may carry line breaks, escape
sequences for a terminal, changes of writing direction, or halves of characters that no encoder
takes. JSON keeps all of them, escaped. The other formats show them as JSON would (`\n`,
`\u001b`), or leave them out where a person reads the text.
"""

import re

# C0 and C1 controls and delete, line separators, changes of writing direction, surrogates
# (no UTF-8), and the code points that XML 1.0 excludes.
_ACTIVE = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
_ACTIVE_RUN = re.compile(f"[{_ACTIVE}]+")
_ACTIVE_ONE = re.compile(f"[{_ACTIVE}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


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
