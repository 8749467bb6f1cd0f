"""Anti-aliased shapes on float pixels: round cones that move, and still shapes for scenery.

Owns pixels. Knows nothing about figures. Colours are three floats, 0 to 1. Every edge is one
pixel wide, whatever the size of the picture, so that a clip looks alike at 96 and at 720 lines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.float32]
Points = npt.NDArray[Any]
Colour = tuple[float, float, float]

FAR_AWAY = 1e3


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Convert hue, saturation and value, each 0 to 1, to red, green and blue.

    Source: the closed form at https://en.wikipedia.org/wiki/HSL_and_HSV#HSV_to_RGB_alternative.
    """
    red, green, blue = (
        value - value * saturation * max(0.0, min(k, 4 - k, 1.0))
        for k in ((n + hue * 6) % 6 for n in (5, 3, 1))
    )
    return red, green, blue


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; `share` is that of the second."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


@dataclass(frozen=True, slots=True, kw_only=True)
class Cone:
    """Two discs and all that lies between them, moving over T frames."""

    start: Points
    """(T, 2) x and y in pixels."""
    end: Points
    start_radius: float
    """Pixels."""
    end_radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """How a shape is filled."""

    colour: Colour
    light: tuple[float, float] = (0.0, 0.0)
    """Direction the light comes from times its strength: brighter there, darker opposite."""
    outline: float = 0.0
    """How much darker the rim is, 0 to 1."""
    opacity: Points | float = 1.0
    """One number, or one per frame."""


def paint_cones(pixels: Pixels, cones: list[Cone], paint: Paint) -> None:
    """Paint the smooth union of some round cones over every frame.

    Args:
        pixels: (3, T, H, W) float32, changed in place.
        cones: at least one.
        paint: colour and shading.
    """
    box = _bounding_box(pixels, cones)
    if box is None:
        return
    y0, y1, x0, x1 = box
    ys = np.arange(y0, y1, dtype=np.float32)[None, :, None]
    xs = np.arange(x0, x1, dtype=np.float32)[None, None]
    if len(cones) == 1:
        distance, normal_x, normal_y, radius = _cone_distance(cones[0], xs, ys)
    else:
        distance, normal_x, normal_y, radius = _union_distance(cones, xs, ys)
    cover = np.clip(np.float32(0.5) - distance, 0, 1)
    if not isinstance(paint.opacity, float) or paint.opacity != 1.0:
        cover *= np.broadcast_to(np.float32(paint.opacity), pixels.shape[1])[:, None, None]
    light_x, light_y = np.float32(paint.light[0]), np.float32(paint.light[1])
    shade = (normal_x * light_x + normal_y * light_y) / np.float32(radius) + np.float32(1)
    if paint.outline:
        shade *= 1 - np.float32(paint.outline) * np.clip(distance + np.float32(1.6), 0, 1)
    for channel in range(3):
        under = pixels[channel, :, y0:y1, x0:x1]
        over = shade * np.float32(paint.colour[channel])
        over -= under
        over *= cover
        under += over


def _bounding_box(pixels: Pixels, cones: list[Cone]) -> tuple[int, int, int, int] | None:
    height, width = pixels.shape[2:]
    lows, highs = [], []
    for cone in cones:
        margin = max(cone.start_radius, cone.end_radius) + 1.5
        ends = np.concatenate([cone.start, cone.end])
        lows.append(ends.min(0) - margin)
        highs.append(ends.max(0) + margin + 1)
    x0, y0 = (int(v) for v in np.maximum(np.min(lows, 0), 0))
    x1, y1 = (int(v) for v in np.clip(np.max(highs, 0), 0, (width, height)))
    return (y0, y1, x0, x1) if x1 > x0 and y1 > y0 else None


def _cone_distance(cone: Cone, xs: Pixels, ys: Pixels) -> tuple[Pixels, Pixels, Pixels, float]:
    """Return signed distance, offset from the axis (x, y) and radius for shading."""
    start = cone.start.astype(np.float32)
    axis = cone.end.astype(np.float32) - start
    axis_x, axis_y = axis[:, 0, None, None], axis[:, 1, None, None]
    from_x, from_y = xs - start[:, 0, None, None], ys - start[:, 1, None, None]
    along = from_x * axis_x + from_y * axis_y
    along *= 1 / (axis_x * axis_x + axis_y * axis_y + np.float32(1e-4))
    np.clip(along, 0, 1, out=along)
    from_x = from_x - axis_x * along
    from_y = from_y - axis_y * along
    distance = from_x * from_x
    distance += from_y * from_y
    np.sqrt(distance, out=distance)
    if cone.start_radius == cone.end_radius:
        distance -= np.float32(cone.start_radius)
    else:
        along *= np.float32(cone.end_radius - cone.start_radius)
        along += np.float32(cone.start_radius)
        distance -= along
    return distance, from_x, from_y, max(cone.start_radius, cone.end_radius)


def _union_distance(
    cones: list[Cone], xs: Pixels, ys: Pixels
) -> tuple[Pixels, Pixels, Pixels, float]:
    """Blend several cones: each weighs by how deep inside it a pixel lies."""
    parts = [_cone_distance(cone, xs, ys) for cone in cones]
    nearest = np.minimum.reduce([part[0] for part in parts])
    largest = max(part[3] for part in parts)
    softness = np.float32(2.5 / largest)
    total, normal_x, normal_y = (np.zeros_like(nearest) for _ in range(3))
    for distance, from_x, from_y, radius in parts:
        weight = np.exp((nearest - distance) * softness)
        total += weight
        weight *= np.float32(largest / radius)
        normal_x += weight * from_x
        normal_y += weight * from_y
    return nearest, normal_x / total, normal_y / total, largest


def darken_ellipse(
    pixels: Pixels, centre: Points, radii: tuple[float, float], strength: float
) -> None:
    """Lay a soft shadow on every frame.

    Args:
        pixels: (3, T, H, W) float32, changed in place.
        centre: (T, 2) x and y in pixels.
        radii: half width and half height in pixels.
        strength: share of the light that is missing in the middle.
    """
    height, width = pixels.shape[2:]
    x0, x1 = _span(centre[:, 0], radii[0], width)
    y0, y1 = _span(centre[:, 1], radii[1], height)
    if x1 <= x0 or y1 <= y0:
        return
    xs = np.arange(x0, x1, dtype=np.float32) - centre[:, :1].astype(np.float32)
    ys = np.arange(y0, y1, dtype=np.float32) - centre[:, 1:].astype(np.float32)
    away = (xs[:, None] / np.float32(radii[0])) ** 2 + (ys[:, :, None] / np.float32(radii[1])) ** 2
    pixels[:, :, y0:y1, x0:x1] *= 1 - np.float32(strength) * np.clip(1 - away, 0, 1)


def _span(centres: Points, radius: float, limit: int) -> tuple[int, int]:
    low = int(max(0, centres.min() - radius))
    return low, int(min(limit, centres.max() + radius + 2))


class StillPainter:
    """Paints shapes that do not move on one picture.

    Coordinates are in units of the picture's shorter visible edge: x from the middle to the
    right, y from the floor line downwards. The same scenery thus fits every size and shape.
    """

    def __init__(self, size: tuple[int, int], unit: float, floor_line: float) -> None:
        """Start with a black picture.

        Args:
            size: width and height in pixels.
            unit: pixels per coordinate unit.
            floor_line: pixel row where the ground begins.
        """
        width, height = size
        self.pixels: Pixels = np.zeros((3, height, width), np.float32)
        self.xs = ((np.arange(width, dtype=np.float32) - (width - 1) / 2) / np.float32(unit))[None]
        self.ys = ((np.arange(height, dtype=np.float32) - floor_line) / np.float32(unit))[:, None]
        self._unit = np.float32(unit)

    def fill(self, distance: Pixels, colour: Colour, opacity: Pixels | float = 1.0) -> None:
        """Paint where a signed distance (in units, negative inside) is below zero."""
        cover = np.clip(np.float32(0.5) - distance * self._unit, 0, 1) * np.float32(opacity)
        rows = np.flatnonzero(cover.any(1)) if cover.shape[0] == self.ys.shape[0] else None
        if rows is not None and not len(rows):
            return
        top, bottom = (0, self.ys.shape[0]) if rows is None else (rows[0], rows[-1] + 1)
        cover = np.broadcast_to(cover, self.pixels.shape[1:])[top:bottom]
        for channel in range(3):
            under = self.pixels[channel, top:bottom]
            under += cover * (np.float32(colour[channel]) - under)

    def gradient(self, span: tuple[float, float], upper: Colour, lower: Colour) -> None:
        """Fill the rows between two heights, from one colour to the other."""
        top, bottom = span
        rows = ((self.ys[:, 0] >= top) & (self.ys[:, 0] <= bottom)).nonzero()[0]
        share = (self.ys[rows, 0] - top) / max(bottom - top, 1e-6)
        for channel in range(3):
            ramp = upper[channel] + (lower[channel] - upper[channel]) * share
            self.pixels[channel, rows] = ramp[:, None]

    def rectangle(
        self,
        corners: tuple[float, float, float, float],
        colour: Colour,
        opacity: float = 1.0,
        rounding: float = 0.0,
    ) -> None:
        """Paint a box from (left, top) to (right, bottom), its corners rounded off."""
        left, top, right, bottom = corners
        dx = np.abs(self.xs - (left + right) / 2) - ((right - left) / 2 - rounding)
        dy = np.abs(self.ys - (top + bottom) / 2) - ((bottom - top) / 2 - rounding)
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        inside = np.minimum(np.maximum(dx, dy), 0)
        self.fill((outside + inside - rounding).astype(np.float32), colour, opacity)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour,
        opacity: float = 1.0,
    ) -> None:
        """Paint an ellipse; its distance is approximate, which only shows at the rim."""
        dx, dy = (self.xs - centre[0]) / radii[0], (self.ys - centre[1]) / radii[1]
        self.fill((np.hypot(dx, dy) - 1) * np.float32(min(radii)), colour, opacity)

    def glow(self, centre: tuple[float, float], radius: float, colour: Colour) -> None:
        """Lighten softly around a point."""
        away = np.hypot(self.xs - centre[0], self.ys - centre[1]) / np.float32(radius)
        share = np.exp(-away * away).astype(np.float32)
        for channel in range(3):
            self.pixels[channel] += share * (np.float32(colour[channel]) - self.pixels[channel])

    def ridge(
        self, height: Callable[[Pixels], Pixels], colour: Colour, bottom: float = 0.0
    ) -> None:
        """Paint what lies below a line y = -height(x), down to a row."""
        line = -height(self.xs)
        self.fill(np.maximum(line - self.ys, self.ys - np.float32(bottom)), colour)

    def stripe(
        self,
        ends: tuple[float, float, float, float],
        thickness: float,
        colour: Colour,
        opacity: float = 1.0,
    ) -> None:
        """Paint a straight round-ended line from (x, y) to (x, y)."""
        x0, y0, x1, y1 = ends
        along_x, along_y = x1 - x0, y1 - y0
        dx, dy = self.xs - x0, self.ys - y0
        along = np.clip((dx * along_x + dy * along_y) / (along_x**2 + along_y**2 + 1e-9), 0, 1)
        away = np.hypot(dx - along * along_x, dy - along * along_y)
        self.fill((away - thickness / 2).astype(np.float32), colour, opacity)


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cells: int) -> Pixels:
    """Return (H, W) noise of about ±1 that changes over 1/cells of the picture.

    Args:
        rng: source of chance.
        size: width and height in pixels.
        cells: number of cells along each edge.
    """
    width, height = size
    grid = rng.standard_normal((cells + 1, cells + 1)).astype(np.float32)

    def knots(count: int) -> tuple[npt.NDArray[np.intp], Pixels]:
        place = np.linspace(0, cells - 1e-3, count)
        index = place.astype(np.intp)
        part = place - index
        return index, (part * part * (3 - 2 * part)).astype(np.float32)

    (rows, down), (columns, across) = knots(height), knots(width)
    upper = grid[rows][:, columns] * (1 - across) + grid[rows][:, columns + 1] * across
    lower = grid[rows + 1][:, columns] * (1 - across) + grid[rows + 1][:, columns + 1] * across
    return cast("Pixels", upper * (1 - down[:, None]) + lower * down[:, None])


def box_blur(pixels: Pixels, radius: int) -> Pixels:
    """Soften (3, H, W) pixels by averaging over a square, twice."""
    for _ in range(2):
        for axis in (1, 2):
            pixels = _running_mean(pixels, radius, axis)
    return pixels


def _running_mean(pixels: Pixels, radius: int, axis: int) -> Pixels:
    padding = [(0, 0)] * 3
    padding[axis] = (radius + 1, radius)
    total = np.cumsum(np.pad(pixels, padding, mode="edge"), axis, dtype=np.float64)
    count = pixels.shape[axis]
    upper = np.take(total, np.arange(2 * radius + 1, 2 * radius + 1 + count), axis)
    lower = np.take(total, np.arange(count), axis)
    return ((upper - lower) / (2 * radius + 1)).astype(np.float32)
