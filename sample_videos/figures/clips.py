"""Labelled clips as video files, as a user of `vidtag train` has them: a folder per label.

Each clip is two seconds of one action in 16 frames, the very ones that a model samples, so that
rendering costs no more than it must.
"""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt

from figures.casting import Script, sample_shot
from figures.dataset import NUM_FRAMES, SAMPLES_PER_SECOND, split_rng
from figures.rendering import render_clip
from figures.shots import Shot

Look = Literal["plain", "cellar"]
"""`cellar` is another domain: a grey, dark and grainy camera that looks down on small figures."""

SIZE = (128, 96)
"""Width and height in pixels."""


def write_clips(
    folder: Path, split: str, labels: Sequence[str], per_label: int, look: Look = "plain"
) -> list[Path]:
    """Write clips, each drawn from its split's name and its number alone; what is there is kept.

    Args:
        folder: Gets a folder per label.
        split: Decides on who is seen, and where.
        labels: What they do.
        per_label: How many clips of each.
        look: How it is filmed.
    """
    paths = []
    for label in labels:
        place = folder / label
        place.mkdir(parents=True, exist_ok=True)
        for number in range(per_label):
            path = place / f"{number:04}.mp4"
            if not path.is_file():
                frames = draw_clip(f"{split} {label}", number, label, look)
                partial = path.with_suffix(".partial.mp4")
                encode_clip(partial, frames)
                partial.replace(path)
            paths.append(path)
    return paths


def draw_clip(split: str, number: int, label: str, look: Look) -> npt.NDArray[np.uint8]:
    """Draw one clip: `(16, 96, 128, 3)` uint8."""
    rng = split_rng(split, number)
    shot = sample_shot(rng, Script(labels=(label,), size=SIZE))
    if look == "cellar":
        shot = _in_the_cellar(shot)
    seconds = 1.0 + (np.arange(NUM_FRAMES) + 0.5) / SAMPLES_PER_SECOND
    frames = render_clip(shot, seconds).frames
    if look == "cellar":
        grey = frames.astype(np.float32) @ np.array([0.3, 0.59, 0.11], np.float32)
        frames = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)
    return frames


def _in_the_cellar(shot: Shot) -> Shot:
    camera = dataclasses.replace(shot.camera, scale=0.62 * shot.camera.scale, elevation=32.0)
    film = dataclasses.replace(shot.film, gain=0.55, gamma=1.25, grain=0.09, place_blur=0.0)
    return dataclasses.replace(shot, camera=camera, film=film)


def encode_clip(path: Path, frames: npt.NDArray[np.uint8], *, is_lossless: bool = False) -> None:
    """Write frames as H.264, or without any loss as FFV1."""
    codec, pixels = ("ffv1", "bgr0") if is_lossless else ("libx264", "yuv420p")
    options = {} if is_lossless else {"crf": "18"}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, SAMPLES_PER_SECOND, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, SAMPLES_PER_SECOND)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
