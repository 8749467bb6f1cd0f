"""Names of videos: which are URLs, and how a URL is shown.

Apart from the module that opens URLs, so that a run which is answered from stored scores loads
neither FFmpeg nor a network client.
"""

import re

_URL = re.compile(r"(https?|rtsps?)://", re.IGNORECASE)


def is_url(name: str) -> bool:
    """Tell whether a name is a URL that can be opened; others are file names."""
    return _URL.match(name) is not None


def without_credentials(url: str) -> str:
    """Take user name and password out of a URL.

    >>> without_credentials("https://me:secret@example.org/a.mp4")
    'https://example.org/a.mp4'
    """
    if not is_url(url):
        return url
    scheme, rest = url.split("://", 1)
    end = min((rest.find(c) for c in "/?#" if c in rest), default=len(rest))
    return f"{scheme}://{rest[:end].rpartition('@')[2]}{rest[end:]}"
