"""Labels in a file: one per line, as people write them with whatever editor they have."""

import os
import stat
import sys

from vidtag.errors import UsageError

MAX_BYTES = 4 << 20
"""Of a file of labels: a hundred thousand of them."""

MAX_LABELS = 10_000
"""More would take minutes to read and hours to compare, and nobody looks at the result."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""How a file begins that says how it is encoded; Windows' editors write the second."""


def read_labels_file(path: str) -> tuple[str, ...]:
    """Read labels: one per line; blank lines and those that begin with `#` are left out.

    Args:
        path: The file; `-` is stdin.

    Raises:
        UsageError: It can't be read, is no text, or holds no label.
    """
    name = "stdin" if path == "-" else f"'{path}'"
    text = _decode(_read(path, name), name)
    lines = [line.strip() for line in text.splitlines()]
    labels = tuple(line for line in lines if line and not line.startswith("#"))
    if not labels:
        raise UsageError(f"--labels-from {name}: there is no label in it; write one per line.")
    if len(labels) > MAX_LABELS:
        raise UsageError(
            f"--labels-from {name}: it holds {len(labels):,} labels, and at most {MAX_LABELS:,} "
            "are compared."
        )
    return labels


def _read(path: str, name: str) -> bytes:
    try:
        if path == "-":
            if sys.stdin is None:
                raise UsageError("--labels-from -: standard input is closed; name a file.")
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            if stat.S_ISDIR(os.stat(path).st_mode):
                raise UsageError(f"--labels-from {name}: it is a folder; name a file in it.")
            with open(path, "rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"--labels-from {name}: it can't be read ({reason}).") from exc
    if len(content) > MAX_BYTES:
        raise UsageError(f"--labels-from {name}: it is larger than any list of labels.")
    return content


def _decode(content: bytes, name: str) -> str:
    encoding = next((one for bom, one in _BOMS if content.startswith(bom)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as exc:
        raise UsageError(
            f"--labels-from {name}: it is no UTF-8 text (byte {exc.start}); save it as UTF-8."
        ) from exc
