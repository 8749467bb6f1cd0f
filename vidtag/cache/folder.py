"""Where the cache lies, and how much it may hold."""

import os
from pathlib import Path

LIMIT_BYTES = 1 << 30
"""Logits kept before the oldest are dropped: 170 hours of video with 400 labels at a stride of
1 s. `VIDTAG_CACHE_LIMIT_MB` sets another."""

NOWHERE = Path(os.devnull) / "vidtag"
"""A folder that can't be made: the cache of a user who has no home."""


def cache_folder() -> Path:
    """Return where vidtag keeps what it can make again: `VIDTAG_CACHE_DIR` or the user's cache."""
    chosen = os.environ.get("VIDTAG_CACHE_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    try:
        found = user_cache_path("vidtag", appauthor=False)
    except RuntimeError:  # no HOME, and no entry in /etc/passwd: a container's made-up user
        return NOWHERE
    return found if found.is_absolute() else NOWHERE


def limit_bytes() -> int:
    """Return the limit in force."""
    chosen = os.environ.get("VIDTAG_CACHE_LIMIT_MB", "")
    return int(chosen) << 20 if chosen.isdecimal() else LIMIT_BYTES
