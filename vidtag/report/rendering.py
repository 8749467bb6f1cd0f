"""Templates, and how text from files gets into a page without acting there.

Owns the template environment, the embedded style and scripts with the policy that lets only
them run, JSON inside HTML, and links. Knows nothing of documents.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vidtag.documents.headline import percent
from vidtag.seconds import format_seconds
from vidtag.text import escape_controls

_ASSETS = "assets"

# What would end a script element, open a comment in it, or break a line in old JavaScript.
_JSON_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\x7f\u2028\u2029"}


def render(
    template: str, values: Mapping[str, object], *, script: str | None, style: str | None = None
) -> str:
    """Render a page with its style and script inside it, and a policy for nothing else.

    Args:
        template: File name of the template.
        values: What the template names.
        script: File name of the page's script; `None` where it has none.
        style: File name of a style beside that of all pages.
    """
    style_text = "".join(_asset(name) for name in ("report.css", style) if name is not None)
    script_text = "" if script is None else _asset(script)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style_text)}'",
            f"script-src '{_hash(script_text)}'" if script_text else "script-src 'none'",
            "img-src data:",
            "media-src data: 'self' file:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = (
        _environment()
        .get_template(template)
        .render(
            **values,
            policy=policy,
            # Written by us and hashed above: the only text that is not escaped.
            style=Markup(style_text),
            script=Markup(script_text),
        )
    )
    # Halves of surrogate pairs, which JSON can carry, are no UTF-8: a file could not hold them.
    return page.encode("utf-8", "replace").decode("utf-8")


def embed_json(value: object) -> Markup:
    r"""Write JSON that is safe inside a `<script type="application/json">`.

    >>> print(embed_json({"label": "</script>"}))
    {"label":"\u003c/script\u003e"}
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_JSON_ESCAPES))


def embed_data(media_type: str, content: bytes) -> str:
    """Write a file's content as a `data:` link."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def relative_href(path: str | Path, folder: str | Path) -> str:
    """Link from a page in `folder` to a file, percent-encoded.

    A name such as `javascript:…` or `a#b?c.mp4` stays a name; bytes that are no UTF-8 keep their
    value. Where no relative path leads to the file (another drive), the link is absolute.

    >>> relative_href("videos/50% #1.mp4", "videos")
    '50%25%20%231.mp4'
    """
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive on Windows
        return Path(path).absolute().as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")


def checked_href(href: str) -> str:
    """Return a link as it is, if it can only lead to a file.

    Raises:
        ValueError: It has a scheme other than `file:`, or names a host, or is not encoded.
    """
    parts = urlsplit(href)
    is_file = parts.scheme == "file" or (not parts.scheme and not href.startswith(("/", "\\")))
    if not is_file or parts.netloc or not href.isascii() or any(c <= " " for c in href):
        raise ValueError(f"links lead to files, as relative_href() writes them; not {href!r}")
    return href


def clock(seconds: float) -> str:
    """Write a time for a person, to a tenth of a second.

    >>> clock(75.25), clock(75)
    ('1:15.2', '1:15')
    """
    return format_seconds(round(seconds, 1))


def decimal(score: float) -> str:
    """Write a score for a person: two decimals.

    >>> decimal(0.934), decimal(0.001)
    ('0.93', '<0.01')
    """
    return "<0.01" if 0 < score < 0.005 else f"{score:.2f}"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def _asset(name: str) -> str:
    # Universal newlines: a browser hashes what it parsed, and its parser knows only "\n".
    return (resources.files(__package__) / _ASSETS / name).read_text(encoding="utf-8")


def _without_controls(value: object) -> object:
    """Escape what acts in a text of a stranger; what we wrote ourselves is `Markup`."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return escape_controls(value)
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("vidtag.report", _ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_without_controls,
    )
    environment.filters["clock"] = clock
    environment.filters["decimal"] = decimal
    environment.filters["share"] = percent
    return environment
