"""From a shot (who, where, seen how, doing what when) to pictures.

Nothing here is random but the film grain, and that is seeded: the same shot at the same times
gives the same bytes, and where the joints are in every one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from figures.body import TRACKED_JOINTS, FloatArray
from figures.drawing import Pixels, StillPainter, box_blur
from figures.puppet import draw_figure, draw_shadow
from figures.scenery import paint_place
from figures.shots import Film, Shot
from figures.staging import View, camera_shift, cut, perform

FRAMES_PER_PASS = 4
"""Frames drawn together; within them the order of the limbs in depth is fixed."""


@dataclass(frozen=True, slots=True)
class RenderedClip:
    """Pictures with the places of the figure's joints in them."""

    frames: npt.NDArray[np.uint8]
    """(T, H, W, 3) RGB."""
    joints: npt.NDArray[np.float32]
    """(T, 13, 2) x and y in pixels of `TRACKED_JOINTS`."""


def render_clip(shot: Shot, seconds: FloatArray) -> RenderedClip:
    """Draw a shot at some times.

    Args:
        shot: what to draw.
        seconds: (T,) ascending times since the shot began.

    Returns:
        Frames (T, H, W, 3) uint8 and joints (T, 13, 2) in pixels.
    """
    parts = list(render_in_parts(shot, seconds))
    return RenderedClip(
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.joints for part in parts]),
    )


def render_in_parts(shot: Shot, seconds: FloatArray) -> Iterator[RenderedClip]:
    """Draw a shot a few frames at a time, so that long videos need little memory.

    Args:
        shot: what to draw.
        seconds: (T,) ascending times since the shot began.

    Yields:
        Consecutive parts of the clip.
    """
    seconds = np.asarray(seconds, np.float64)
    performance = perform(shot, seconds)
    view = View(shot, camera_shift(shot, seconds))
    place, margin = _paint_background(view)
    grain = np.random.default_rng([shot.film.seed, 7])
    for first in range(0, len(seconds), FRAMES_PER_PASS):
        part = slice(first, min(first + FRAMES_PER_PASS, len(seconds)))
        now = cut(performance, part)
        part_view = View(shot, view.shift[part])
        pixels = _shifted_background(place, margin, part_view)
        if not shot.empty:
            draw_shadow(pixels, part_view, now)
        draw_figure(pixels, part_view, now)
        joints = np.stack([part_view.project(now.joints[name])[0] for name in TRACKED_JOINTS], 1)
        yield RenderedClip(_develop(pixels, shot.film, grain), joints.astype(np.float32))


def _paint_background(view: View) -> tuple[Pixels, int]:
    """Paint the place, larger than the picture by a margin for the moving camera."""
    shot = view.shot
    margin = int(np.ceil(np.abs(view.shift).max())) + 1
    size = (shot.size[0] + 2 * margin, shot.size[1] + 2 * margin)
    painter = StillPainter(size, view.unit, view.floor_line + margin)
    pixels = paint_place(painter, shot.place, np.random.default_rng(shot.place_seed))
    radius = round(shot.film.place_blur * view.unit)
    return (box_blur(pixels, radius) if radius else pixels), margin


def _shifted_background(place: Pixels, margin: int, view: View) -> Pixels:
    """Return (3, T, H, W): the place as the moving camera sees it."""
    width, height = view.shot.size
    pixels = np.empty((3, len(view.shift), height, width), np.float32)
    for i, (dx, dy) in enumerate(view.shift):
        x, y = margin - dx, margin - dy
        column, row = int(np.floor(x)), int(np.floor(y))
        right, down = np.float32(x - column), np.float32(y - row)
        window = place[:, row : row + height + 1, column : column + width + 1]
        if right or down:
            rows = window[:, :-1] * (1 - down) + window[:, 1:] * down
            pixels[:, i] = rows[..., :-1] * (1 - right) + rows[..., 1:] * right
        else:
            pixels[:, i] = window[:, :height, :width]
    return pixels


def _develop(pixels: Pixels, film: Film, grain: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Turn (3, T, H, W) light into (T, H, W, 3) bytes."""
    pixels *= np.float32(film.gain)
    if film.flicker:
        flicker = 1 + film.flicker * grain.standard_normal(pixels.shape[1])
        pixels *= np.asarray(flicker, np.float32)[None, :, None, None]
    if film.grain:
        pixels += np.float32(film.grain) * grain.standard_normal(pixels.shape, dtype=np.float32)
    np.clip(pixels, 0, 1, out=pixels)
    if film.gamma != 1.0:
        np.power(pixels, np.float32(film.gamma), out=pixels)
    pixels *= 255
    pixels += 0.5
    return np.ascontiguousarray(np.moveaxis(pixels, 0, -1).astype(np.uint8))
