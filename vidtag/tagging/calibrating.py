"""Frames of the user's own videos, for a model in int8: spread over them, and enough of them."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vidtag.arguments import check_kind
from vidtag.cache.contents import hash_file
from vidtag.clips.reading import open_part
from vidtag.errors import ModelLoadError, VidtagError
from vidtag.models.calibration import keep_calibration
from vidtag.models.classifier import Calibration
from vidtag.models.int8 import LEAST_WINDOWS, MOST_WINDOWS, need_nncf
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger

_LEAST_DIFFERENCE = 0.5
"""Levels of 255 by which a clip's pixels must differ in the mean to show something else: a frozen
picture that was encoded flickers by less."""


def calibrate(
    videos: Sequence[str | os.PathLike[str]],
    options: LoadOptions | None = None,
    settings: Settings | None = None,
    *,
    tell: Callable[[str], None] | None = None,
) -> Calibration:
    """Make a model's int8 form from windows of videos, and keep it on this machine.

    Only files are taken: what the ranges of a network are measured on must be what it will see,
    and drawn arrays or noise are not. What stands still counts once.

    Args:
        videos: Paths of the files, of the kind that will be tagged.
        options: The model, and whether it will be `fast`; its precision does not matter.
        settings: How windows are sampled.
        tell: Told in a line what takes long.

    Raises:
        ModelLoadError: There are too few windows, or the model can't be quantised.
        VideoError: None of the videos can be read.
    """
    for video in videos:
        check_kind("a video to calibrate on", video, str, os.PathLike)
    options = options or LoadOptions()
    need_nncf(options.name)
    exact = _exact(options)
    tagger = Tagger(load_classifier(exact, tell), settings)
    paths = [os.fspath(video) for video in videos]
    if tell is not None:
        tell(f"calibrating {options.name} for int8, for minutes; later runs start at once")
    taken = _Spread()
    failures: list[VidtagError] = []
    for path in paths:
        try:
            taken.add(path, _distinct_clips(path, tagger))
        except VidtagError as exc:
            failures.append(exc)
    if failures and len(failures) == len(paths):
        raise failures[0]
    clips = taken.clips()
    if len(clips) < LEAST_WINDOWS:
        raise ModelLoadError(
            options.name,
            "too_few_windows",
            f"Can't make int8 of '{options.name}': it takes {LEAST_WINDOWS} windows that differ, "
            f"and there are {len(clips)} in what was named; name more videos once, of the kind "
            "that will be tagged (vidtag FOLDER --precision int8).",
        )
    calibration = Calibration(
        content_ids=tuple(sorted({hash_file(path) for path in taken.paths()})),
        num_windows=len(clips),
    )
    keep_calibration(options, np.stack(clips), calibration)
    return calibration


def _exact(options: LoadOptions) -> LoadOptions:
    return replace(options, precision="auto", engine="openvino", device="cpu", fast=False)


def _distinct_clips(path: str, tagger: Tagger) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the clips of a video's windows that show something else than the one before."""
    before: npt.NDArray[np.uint8] | None = None
    part, prepare = tagger.settings.read, tagger.classifier.prepare
    with open_part(path, part, tagger.grid, prepare) as reading:
        for window in reading:
            clip = np.stack(window.clip)
            if before is None or _difference(clip, before) >= _LEAST_DIFFERENCE:
                yield clip
                before = clip


def _difference(clip: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    return float(np.abs(clip.astype(np.int16) - other).mean())


class _Spread:
    """Clips from many videos, of each evenly over its length, as many as are wanted."""

    def __init__(self) -> None:
        self._clips: dict[str, list[npt.NDArray[np.uint8]]] = {}
        self._every: dict[str, int] = {}

    def add(self, path: str, clips: Iterator[npt.NDArray[np.uint8]]) -> None:
        """Take clips of a video; memory stays that of twice as many as are wanted."""
        self._clips[path], self._every[path] = [], 1
        for number, clip in enumerate(clips):
            if number % self._every[path] == 0:
                self._clips[path].append(clip)
                while sum(map(len, self._clips.values())) >= 2 * MOST_WINDOWS:
                    self._thin_out()

    def _thin_out(self) -> None:
        """Drop every second clip of the video that has most."""
        path = max(self._clips, key=lambda path: len(self._clips[path]))
        self._clips[path] = self._clips[path][::2]
        self._every[path] *= 2

    def clips(self) -> list[npt.NDArray[np.uint8]]:
        """Return what was taken: `(T, S, S, 3)` uint8 each."""
        while sum(map(len, self._clips.values())) > MOST_WINDOWS:
            self._thin_out()
        return [clip for clips in self._clips.values() for clip in clips]

    def paths(self) -> list[str]:
        """Return the videos of which clips were taken."""
        return [path for path, clips in self._clips.items() if clips]
