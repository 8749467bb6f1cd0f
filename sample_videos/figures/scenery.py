"""What stands behind the figure: places worth looking at, and clutter that means nothing.

Every place is drawn from its own random generator, so that no two gyms are the same. Coordinates
are `StillPainter`'s: x from the middle, y from the floor line down, in shorter picture edges.
"""

from collections.abc import Callable

import numpy as np

from figures.drawing import Colour, Pixels, StillPainter, hsv, mix, smooth_noise

Rng = np.random.Generator
WHITE: Colour = (1.0, 1.0, 1.0)
TOP, BOTTOM, SIDE = -2.0, 2.0, 2.0
"""Coordinates safely outside every picture."""


def _spread(rng: Rng, count: int, reach: float = 1.1) -> list[float]:
    """Return places from left to right, one in each of `count` equal parts."""
    width = 2 * reach / count
    return [-reach + width * (i + rng.uniform(0.1, 0.9)) for i in range(count)]


def gym(painter: StillPainter, rng: Rng) -> None:
    """A bright hall: tall windows, a painted band, a wooden floor, racks with weights."""
    hue = rng.random()
    wall = hsv(hue, rng.uniform(0.05, 0.25), rng.uniform(0.72, 0.95))
    painter.gradient((TOP, 0), mix(wall, WHITE, 0.3), wall)
    band = hsv(hue + rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.65), rng.uniform(0.45, 0.8))
    height = rng.uniform(0.12, 0.2)
    painter.rectangle((-SIDE, -height, SIDE, 0), band)
    painter.rectangle((-SIDE, -height - 0.012, SIDE, -height), mix(band, WHITE, 0.5))
    sky = hsv(rng.uniform(0.52, 0.62), rng.uniform(0.12, 0.35), 1.0)
    for x in _spread(rng, int(rng.integers(3, 6))):
        half, top = rng.uniform(0.09, 0.13), -rng.uniform(0.62, 0.72)
        painter.rectangle((x - half, top, x + half, -0.26), mix(wall, (0, 0, 0), 0.25), 1, 0.01)
        painter.rectangle((x - half + 0.012, top + 0.012, x + half - 0.012, -0.272), sky)
        painter.rectangle((x - 0.004, top, x + 0.004, -0.26), mix(wall, (0, 0, 0), 0.25))
    _planks(
        painter, rng, hsv(rng.uniform(0.06, 0.1), rng.uniform(0.3, 0.55), rng.uniform(0.6, 0.85))
    )
    for x in (-rng.uniform(0.55, 0.8), rng.uniform(0.55, 0.8)):
        _dumbbell_rack(painter, rng, x)
    mat = hsv(rng.random(), rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7))
    painter.ellipse((0, rng.uniform(0.08, 0.12)), (0.5, 0.05), mat, 0.85)


def _planks(painter: StillPainter, rng: Rng, wood: Colour) -> None:
    painter.gradient((0, BOTTOM), mix(wood, (0, 0, 0), 0.12), mix(wood, WHITE, 0.25))
    gap = rng.uniform(0.12, 0.25)
    for i in range(-14, 15):
        # The boards run towards a vanishing point above the floor line.
        painter.stripe((i * gap * 0.6, 0.0, i * gap * 2.4, 0.6), 0.004, (0.2, 0.1, 0.05), 0.18)
    painter.rectangle((-SIDE, -0.008, SIDE, 0.008), mix(wood, (0, 0, 0), 0.45))


def _dumbbell_rack(painter: StillPainter, rng: Rng, x: float) -> None:
    frame = hsv(rng.random(), 0.1, rng.uniform(0.2, 0.4))
    for y in (-0.1, -0.03):
        painter.rectangle((x - 0.14, y, x + 0.14, y + 0.014), frame)
        for i in range(4):
            shade = hsv(rng.random(), rng.uniform(0.2, 0.8), rng.uniform(0.3, 0.8))
            painter.ellipse((x - 0.1 + 0.066 * i, y - 0.02), (0.024, 0.02), shade)
    for side in (-0.14, 0.13):
        painter.rectangle((x + side, -0.12, x + side + 0.012, 0.03), frame)


def park(painter: StillPainter, rng: Rng) -> None:
    """A meadow under a summer sky: hills, clouds, trees, a path."""
    blue = hsv(rng.uniform(0.53, 0.6), rng.uniform(0.3, 0.6), rng.uniform(0.85, 1.0))
    painter.gradient((TOP, -0.75), mix(blue, (0, 0, 0), 0.15), blue)
    painter.gradient((-0.75, 0), blue, mix(blue, WHITE, 0.75))
    painter.glow((rng.uniform(-0.8, 0.8), -rng.uniform(0.5, 0.7)), 0.16, (1.0, 0.97, 0.8))
    for x in _spread(rng, int(rng.integers(2, 5))):
        _cloud(painter, rng, (x, -rng.uniform(0.42, 0.72)))
    green = hsv(rng.uniform(0.22, 0.38), rng.uniform(0.4, 0.65), rng.uniform(0.5, 0.75))
    for height, share in ((rng.uniform(0.16, 0.24), 0.45), (rng.uniform(0.08, 0.14), 0.2)):
        _hills(painter, rng, height, mix(green, mix(blue, WHITE, 0.4), share))
    for x in _spread(rng, int(rng.integers(4, 8))):
        if abs(x) > 0.12:
            _tree(painter, rng, x)
    painter.gradient((0, BOTTOM), green, mix(green, (1.0, 0.95, 0.5), 0.35))
    if rng.random() < 0.6:
        path = hsv(rng.uniform(0.08, 0.13), rng.uniform(0.15, 0.35), rng.uniform(0.75, 0.92))
        painter.ellipse((rng.uniform(-0.2, 0.2), 0.11), (0.9, rng.uniform(0.03, 0.06)), path)


def _hills(painter: StillPainter, rng: Rng, height: float, colour: Colour) -> None:
    slow, quick, first, second = rng.uniform((2, 5, 0, 0), (4, 9, 6, 6))
    painter.ridge(
        lambda x: (
            np.float32(height)
            * (1 + 0.3 * np.sin(slow * x + first) + 0.12 * np.sin(quick * x + second)).astype(
                x.dtype
            )
        ),
        colour,
        bottom=0.01,
    )


def _cloud(painter: StillPainter, rng: Rng, centre: tuple[float, float]) -> None:
    x, y = centre
    size = rng.uniform(0.05, 0.1)
    for dx, dy, scale in ((-1.1, 0.15, 0.6), (-0.4, -0.2, 0.85), (0.4, -0.1, 1.0), (1.2, 0.2, 0.6)):
        painter.ellipse(
            (x + dx * size, y + dy * size), (size * scale, size * scale * 0.6), WHITE, 0.85
        )


def _tree(painter: StillPainter, rng: Rng, x: float) -> None:
    height = rng.uniform(0.2, 0.42)
    leaves = hsv(rng.uniform(0.2, 0.42), rng.uniform(0.4, 0.7), rng.uniform(0.35, 0.65))
    painter.rectangle(
        (x - 0.012, -height * 0.6, x + 0.012, 0.01), hsv(0.07, 0.5, rng.uniform(0.25, 0.45))
    )
    if rng.random() < 0.3:
        for i in range(3):
            half, base = 0.3 * height * (1 - 0.22 * i), -height * (0.25 + 0.25 * i)
            tip = base - height * 0.4
            distance = np.maximum(
                painter.ys - base, np.abs(painter.xs - x) - half * (painter.ys - tip) / (base - tip)
            )
            painter.fill((distance * 0.8).astype(np.float32), mix(leaves, WHITE, 0.06 * i))
        return
    for dx, dy, scale, light in (
        (-0.22, -0.62, 0.24, 0.0),
        (0.22, -0.66, 0.25, 0.0),
        (0, -0.85, 0.27, 0.12),
    ):
        painter.ellipse(
            (x + dx * height, dy * height),
            (scale * height, scale * height),
            mix(leaves, WHITE, light),
        )


def beach(painter: StillPainter, rng: Rng) -> None:
    """Sand before the sea, a low sun, a sail, palms."""
    evening = rng.random() < 0.5
    high = hsv(0.6 if not evening else rng.uniform(0.6, 0.75), 0.5, 0.9 if not evening else 0.6)
    low = hsv(0.52, 0.2, 1.0) if not evening else hsv(rng.uniform(0.03, 0.09), 0.5, 1.0)
    painter.gradient((TOP, -0.8), high, high)
    painter.gradient((-0.8, -0.12), high, low)
    painter.glow(
        (rng.uniform(-0.7, 0.7), -rng.uniform(0.3, 0.6)), rng.uniform(0.1, 0.16), (1, 0.95, 0.75)
    )
    for x in _spread(rng, int(rng.integers(1, 4))):
        _cloud(painter, rng, (x, -rng.uniform(0.4, 0.7)))
    sea = hsv(rng.uniform(0.48, 0.58), rng.uniform(0.5, 0.75), rng.uniform(0.5, 0.75))
    # A horizon below the end of the sky leaves a dark line between them: a distant coast.
    horizon = -rng.uniform(0.1, 0.18)
    painter.gradient((horizon, 0), mix(sea, low, 0.35), sea)
    x = rng.uniform(-0.9, 0.9)
    sail = np.maximum(
        painter.ys - horizon + 0.012, np.abs(painter.xs - x) - 0.4 * (painter.ys - horizon + 0.12)
    )
    painter.fill((sail * 0.9).astype(np.float32), WHITE)
    painter.rectangle(
        (x - 0.04, horizon - 0.01, x + 0.04, horizon + 0.008), (0.45, 0.25, 0.15), 1, 0.008
    )
    for _ in range(8):
        x, y = rng.uniform(-1, 1), rng.uniform(horizon + 0.02, -0.02)
        painter.rectangle((x - 0.06, y, x + 0.06, y + 0.005), WHITE, 0.35, 0.002)
    sand = hsv(rng.uniform(0.09, 0.13), rng.uniform(0.25, 0.45), rng.uniform(0.8, 0.95))
    painter.gradient((0, BOTTOM), mix(sand, (0.5, 0.4, 0.3), 0.25), sand)
    painter.ridge(
        lambda x: (0.012 * np.sin(7 * x + 1) - 0.004).astype(x.dtype), mix(sea, WHITE, 0.7), 0.014
    )
    for x in (-rng.uniform(0.5, 0.85), rng.uniform(0.5, 0.85)):
        if rng.random() < 0.7:
            _palm(painter, rng, x)


def _palm(painter: StillPainter, rng: Rng, x: float) -> None:
    height, lean = rng.uniform(0.4, 0.6), rng.uniform(-0.12, 0.12)
    trunk, leaf = hsv(0.08, 0.45, 0.45), hsv(rng.uniform(0.28, 0.4), 0.6, rng.uniform(0.35, 0.55))
    painter.stripe((x, 0.05, x + lean, -height), 0.022, trunk)
    for angle in np.linspace(-0.5, np.pi + 0.5, 7):
        tip = (x + lean + 0.19 * np.cos(angle), -height - 0.11 * np.sin(angle) + 0.03)
        painter.stripe((x + lean, -height, *tip), 0.028, leaf)


def studio(painter: StillPainter, rng: Rng) -> None:
    """A dance studio or a stage: curtains, a spotlight, a polished floor."""
    cloth = hsv(rng.random(), rng.uniform(0.25, 0.7), rng.uniform(0.35, 0.75))
    painter.gradient((TOP, 0), mix(cloth, (0, 0, 0), 0.35), cloth)
    folds = rng.uniform(18, 40)
    shade = 1 + 0.12 * np.sin(folds * painter.xs + 0.4 * np.sin(3 * painter.xs))
    painter.pixels *= np.where(painter.ys < 0, shade, 1).astype(np.float32)
    painter.glow((0, -0.35), rng.uniform(0.5, 0.8), mix(cloth, WHITE, 0.35))
    floor = hsv(rng.uniform(0.02, 0.12), rng.uniform(0.15, 0.5), rng.uniform(0.35, 0.7))
    painter.gradient((0, BOTTOM), mix(floor, (0, 0, 0), 0.2), mix(floor, WHITE, 0.15))
    painter.rectangle((-SIDE, -0.02, SIDE, 0.006), mix(cloth, (0, 0, 0), 0.5))
    for half, opacity in ((0.62, 0.15), (0.5, 0.15), (0.4, 0.15)):
        painter.ellipse((0, 0.12), (half, half * 0.2), (1.0, 0.97, 0.88), opacity)
    for x in _spread(rng, 3):
        lamp = (x, -rng.uniform(0.78, 0.9))
        painter.glow(lamp, 0.07, (1.0, 0.95, 0.8))


def city(painter: StillPainter, rng: Rng) -> None:
    """A roof terrace at dusk or by day before a skyline."""
    night = rng.random() < 0.6
    high = hsv(rng.uniform(0.6, 0.75), 0.5, 0.35 if night else 0.85)
    low = hsv(rng.uniform(0.95, 1.08) % 1, 0.45, 0.95) if night else hsv(0.55, 0.15, 1.0)
    painter.gradient((TOP, -0.85), high, high)
    painter.gradient((-0.85, 0), high, low)
    painter.glow((rng.uniform(-0.8, 0.8), -rng.uniform(0.5, 0.75)), 0.07, (1.0, 0.96, 0.85))
    tone = hsv(rng.uniform(0.58, 0.75), 0.3, 0.3 if night else 0.6)
    lamp = hsv(rng.uniform(0.1, 0.15), 0.5, 1.0) if night else mix(tone, WHITE, 0.5)
    for share, height in ((0.45, 0.5), (0.1, 0.32)):
        for x in _spread(rng, 10):
            _tower(painter, rng, (x, height * rng.uniform(0.5, 1.1)), (mix(tone, low, share), lamp))
    wall = hsv(rng.uniform(0.0, 0.12), rng.uniform(0.1, 0.35), rng.uniform(0.4, 0.65))
    painter.rectangle((-SIDE, -0.1, SIDE, 0), wall)
    painter.rectangle((-SIDE, -0.125, SIDE, -0.1), mix(wall, WHITE, 0.3))
    floor = hsv(rng.uniform(0.02, 0.12), rng.uniform(0.1, 0.3), rng.uniform(0.5, 0.75))
    painter.gradient((0, BOTTOM), mix(floor, (0, 0, 0), 0.2), floor)


def _tower(
    painter: StillPainter, rng: Rng, place: tuple[float, float], colours: tuple[Colour, Colour]
) -> None:
    (x, height), (wall, lamp) = place, colours
    half = rng.uniform(0.05, 0.11)
    painter.rectangle((x - half, -height - 0.1, x + half, 0), wall)
    # All windows in one go: a grid of dots cut out by its own distance.
    column = np.abs((painter.xs - x) % 0.036 - 0.018) - 0.007
    row = np.abs(painter.ys % 0.05 - 0.025) - 0.011
    frame = np.maximum(np.abs(painter.xs - x) - half + 0.015, -height - 0.08 - painter.ys)
    grid = np.maximum(np.maximum(column, row), np.maximum(frame, painter.ys + 0.11))
    painter.fill(grid.astype(np.float32), lamp, rng.uniform(0.25, 0.7))


def mountains(painter: StillPainter, rng: Rng) -> None:
    """Snow-capped peaks behind a field of snow or grass."""
    blue = hsv(rng.uniform(0.54, 0.66), rng.uniform(0.25, 0.55), rng.uniform(0.8, 1.0))
    painter.gradient((TOP, -0.8), blue, blue)
    painter.gradient((-0.8, 0), blue, mix(blue, WHITE, 0.8))
    rock = hsv(rng.uniform(0.6, 0.75), rng.uniform(0.15, 0.35), rng.uniform(0.45, 0.7))
    for share in (0.5, 0.15):
        for x in _spread(rng, 4):
            height, slope = rng.uniform(0.25, 0.5), rng.uniform(0.6, 0.9)
            peak = np.abs(painter.xs - x) * slope - (painter.ys + height)
            body = np.maximum(peak, painter.ys).astype(np.float32)
            painter.fill(body * 0.8, mix(rock, blue, share))
            cap = painter.ys + height * 0.68 - 0.02 * np.sin(40 * painter.xs + x)
            painter.fill(
                np.maximum(body, cap).astype(np.float32) * 0.8, mix(WHITE, blue, share * 0.5)
            )
    ground = (
        WHITE if rng.random() < 0.4 else hsv(rng.uniform(0.2, 0.33), 0.45, rng.uniform(0.5, 0.75))
    )
    painter.gradient((0, BOTTOM), mix(ground, blue, 0.25), mix(ground, WHITE, 0.2))


def clutter(painter: StillPainter, rng: Rng) -> None:
    """A meaningless place: gradients, boxes, discs, bars and stripes in any colours."""
    upper, lower, floor = (
        hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.15, 1)) for _ in range(3)
    )
    painter.gradient((TOP, BOTTOM), upper, lower)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.3)
    slope = painter.xs * np.cos(angle) + painter.ys * np.sin(angle)
    painter.pixels *= (1 + strength * slope).astype(np.float32)
    for _ in range(int(rng.integers(0, 8))):
        _blot(painter, rng)
    if rng.random() < 0.8:
        painter.gradient((0, BOTTOM), floor, mix(floor, (0, 0, 0), rng.uniform(-0.25, 0.3)))
        if rng.random() < 0.4:
            cell = rng.uniform(0.08, 0.3)
            tiles = painter.xs * (0.15 / (painter.ys + 0.15)) / cell % 1 < 0.5
            painter.pixels *= np.where(tiles & (painter.ys > 0), 0.86, 1).astype(np.float32)


def _blot(painter: StillPainter, rng: Rng) -> None:
    colour = hsv(rng.random(), rng.uniform(0, 0.7), rng.uniform(0.1, 1))
    opacity = rng.uniform(0.25, 0.95)
    x, y = rng.uniform(-0.6, 0.6), rng.uniform(-0.9, 0.3)
    kind = rng.integers(4)
    if kind == 0:
        half_x, half_y = rng.uniform(0.03, 0.26), rng.uniform(0.03, 0.36)
        painter.rectangle((x - half_x, y - half_y, x + half_x, y + half_y), colour, opacity)
    elif kind == 1:
        radius = rng.uniform(0.03, 0.2)
        painter.ellipse((x, y), (radius, radius), colour, opacity)
    elif kind == 2:
        angle = rng.uniform(0, np.pi)
        dx, dy = 2 * np.cos(angle), 2 * np.sin(angle)
        painter.stripe((x - dx, y - dy, x + dx, y + dy), rng.uniform(0.02, 0.1), colour, opacity)
    else:
        angle, period = rng.uniform(0, np.pi), rng.uniform(0.05, 0.25)
        across = (painter.xs * np.cos(angle) + painter.ys * np.sin(angle)) / period
        painter.fill((np.abs(across % 1 - 0.5) - 0.25) * np.float32(period), colour, opacity * 0.3)


PLACES: dict[str, Callable[[StillPainter, Rng], None]] = {
    "clutter": clutter,
    "gym": gym,
    "park": park,
    "beach": beach,
    "studio": studio,
    "city": city,
    "mountains": mountains,
}


def paint_place(painter: StillPainter, name: str, rng: Rng) -> Pixels:
    """Paint a place and a little uneven texture over it.

    Args:
        painter: where to paint; its pixels are the result.
        name: a key of `PLACES`.
        rng: decides on every detail.

    Returns:
        (3, H, W) float32 pixels, about 0 to 1.
    """
    PLACES[name](painter, rng)
    height, width = painter.pixels.shape[1:]
    # Scales and strengths as in the prototype: patches, mottle, grain.
    for cells, strength in ((4, 0.06), (14, 0.05), (36, 0.04)):
        amount = rng.uniform(0, 1) * strength * (1.0 if name == "clutter" else 0.15)
        if rng.random() < 0.6:
            painter.pixels += np.float32(amount) * smooth_noise(rng, (width, height), cells)
    return painter.pixels
