"""How far a download from the hub is, and what its client may say meanwhile."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.2
"""How often it is told how much is there."""

Advance = Callable[[int, int], None]
"""Told how many bytes of a download are there, and how many there will be."""


@contextmanager
def watched(hub_id: str, size: int | None, advance: Advance | None) -> Iterator[None]:
    """Tell how much is there while a download runs, by what its folder holds.

    The hub's client has two ways to download, and no common word for how far either is.

    Args:
        hub_id: The model.
        size: Bytes of all of it; nothing is told where that is not known.
        advance: What is told.
    """
    if advance is None or size is None:
        yield
        return
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            advance(cached_bytes(hub_id), size)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def cached_bytes(hub_id: str) -> int:
    """Measure what an earlier download left of a model, which need not come again."""
    from huggingface_hub.constants import HF_HUB_CACHE

    blobs = Path(HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}" / "blobs"
    try:
        return sum(_bytes_on_disk(path.stat()) for path in blobs.iterdir())
    except OSError:
        return 0


def _bytes_on_disk(info: os.stat_result) -> int:
    """Measure what is there of a file, which may have got its full length before its content."""
    blocks = getattr(info, "st_blocks", None)  # Windows has none
    return info.st_size if blocks is None else min(info.st_size, blocks * 512)


@contextmanager
def hub_noise(show_progress: bool) -> Iterator[None]:
    """Show the hub's progress bars or nothing at all, for as long as a download takes."""
    import warnings

    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    level, hidden = logging.get_verbosity(), are_progress_bars_disabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if not show_progress and not hidden:
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of small disks and links that Windows lacks
            yield
    finally:
        logging.set_verbosity(level)
        if not show_progress and not hidden:
            enable_progress_bars()
