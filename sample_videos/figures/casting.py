"""Chance: draws figures, cameras, places and films for clips that must all differ."""

from dataclasses import dataclass

import numpy as np

from figures.actions import find_action
from figures.body import Prop, sample_body
from figures.drawing import Colour, hsv
from figures.scenery import PLACES
from figures.shots import Camera, Film, Look, Shot, Take

Rng = np.random.Generator
CLUTTER_SHARE = 0.45
"""How many clips play nowhere in particular; the others share the places equally."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a clip shall show; the rest is drawn."""

    labels: tuple[str, ...]
    changes: tuple[float, ...] = ()
    """Seconds at which one label gives way to the next."""
    size: tuple[int, int] = (96, 96)
    steady: bool = False
    """Whether the camera stays far enough away for every action, as in a longer video."""


def sample_look(rng: Rng) -> Look:
    """Draw colours and clothes."""

    def any_colour(saturation: float, value: tuple[float, float]) -> Colour:
        return hsv(rng.random(), rng.uniform(0, saturation), rng.uniform(*value))

    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.3)
    props = [hsv(rng.random(), rng.uniform(0.3, 1), rng.uniform(0.3, 1)) for _ in range(4)]
    return Look(
        skin=hsv(rng.uniform(0.03, 0.11), rng.uniform(0.2, 0.65), rng.uniform(0.35, 1)),
        shirt=any_colour(0.9, (0.15, 1)),
        trousers=any_colour(0.8, (0.1, 0.95)),
        shoes=any_colour(0.6, (0.05, 1)),
        hair=hsv(rng.uniform(0, 0.15), rng.uniform(0, 0.9), rng.uniform(0.03, 0.8)),
        props=(props[0], props[1], props[2], props[3]),
        long_hair=bool(rng.random() < 0.35),
        long_sleeves=bool(rng.random() < 0.4),
        shorts=bool(rng.random() < 0.35),
        outline=0.6 if rng.random() < 0.3 else 0.0,
        light=(strength * float(np.cos(angle)), strength * float(np.sin(angle))),
    )


def sample_camera(rng: Rng, framing: str) -> Camera:
    """Draw a camera that keeps an action of this framing in the picture.

    The scales are those at which no joint of 200 clips per action left the picture for long.
    """
    if framing == "any":
        framing = "full" if rng.random() < 0.5 else "half"
    scale, aim = {
        "full": (rng.uniform(0.54, 0.75), 0.53),
        "tall": (rng.uniform(0.48, 0.66), 0.62),
        "low": (rng.uniform(0.52, 0.78), 0.34),
        "half": (rng.uniform(0.75, 1.15), 0.72),
        "steady": (rng.uniform(0.46, 0.6), rng.uniform(0.54, 0.64)),
    }[framing]
    shaky, panning = rng.random() < 0.5, rng.random() < 0.4
    return Camera(
        scale=scale,
        aim=aim,
        offset=(rng.uniform(-0.1, 0.1), rng.uniform(-0.06, 0.06)),
        elevation=rng.uniform(-3, 16),
        shake=rng.uniform(0.002, 0.018) if shaky else 0.0,
        pan=(rng.uniform(-0.06, 0.06), rng.uniform(-0.03, 0.03)) if panning else (0.0, 0.0),
        seed=int(rng.integers(2**31)),
    )


def sample_film(rng: Rng) -> Film:
    """Draw exposure, flicker, grain and softness."""
    return Film(
        gain=rng.uniform(0.75, 1.2),
        gamma=rng.uniform(0.8, 1.25) if rng.random() < 0.6 else 1.0,
        flicker=rng.uniform(0.01, 0.05) if rng.random() < 0.4 else 0.0,
        grain=rng.uniform(0.005, 0.05) if rng.random() < 0.5 else 0.0,
        place_blur=rng.uniform(0.01, 0.03) if rng.random() < 0.15 else 0.0,
        seed=int(rng.integers(2**31)),
    )


def sample_bystanders(rng: Rng) -> tuple[Prop, ...]:
    """Draw unused things, so that a ball or a bar alone gives no action away."""
    things: list[Prop] = []

    def spot(x: float, y: float, z: float) -> np.ndarray:
        return np.array([[x, y, z]])

    def thing(*points: np.ndarray, radius: float, colour: int) -> None:
        things.append(Prop(points=points, radius=radius, colour=colour))

    if rng.random() < 0.3:
        for i in range(int(rng.integers(1, 4))):
            radius = float(rng.choice([0.033, 0.075]))
            height = max(radius, float(rng.choice([0.0, rng.uniform(0, 1.1)])))
            thing(
                spot(rng.uniform(-0.7, 0.7), height, rng.uniform(-0.5, 0.3)),
                radius=radius,
                colour=i,
            )
    if rng.random() < 0.12:
        half, height, z = rng.uniform(0.45, 0.9), rng.uniform(1.1, 1.4), rng.uniform(-0.4, -0.3)
        ends = [spot(side * half, height, z) for side in (-1, 1)]
        thing(*ends, radius=0.014, colour=0)
        for end in ends:
            thing(end, end * (1, 0, 1), radius=0.014, colour=0)
    if rng.random() < 0.08:
        x, z = rng.uniform(-0.3, 0.3), rng.uniform(-0.4, -0.2)
        thing(spot(x - 0.4, 0.09, z), spot(x + 0.4, 0.09, z), radius=0.009, colour=0)
        for side in (-0.4, 0.4):
            thing(spot(x + side, 0.02, z), spot(x + side, 0.16, z), radius=0.026, colour=1)
    if rng.random() < 0.08:
        x, z = float(rng.choice([-1, 1])) * rng.uniform(0.42, 0.65), rng.uniform(-0.4, 0.1)
        thing(spot(x, 0.5, z), spot(x, 1.05, z), radius=rng.uniform(0.075, 0.1), colour=2)
        thing(spot(x, 1.05, z), spot(x, 1.9, z), radius=0.007, colour=0)
    return tuple(things)


def sample_place(rng: Rng) -> str:
    """Draw the name of a place."""
    if rng.random() < CLUTTER_SHARE:
        return "clutter"
    return str(rng.choice([name for name in PLACES if name != "clutter"]))


def sample_take(rng: Rng, label: str, span: tuple[float, float]) -> Take:
    """Draw how one action is performed and seen."""
    action = find_action(label)
    return Take(
        label=label,
        start_seconds=span[0],
        end_seconds=span[1],
        yaw=rng.uniform(*action.yaw) * (1 if rng.random() < 0.5 else -1),
        mirrored=bool(rng.random() < 0.5),
        seed=int(rng.integers(2**31)),
    )


def sample_shot(rng: Rng, script: Script) -> Shot:
    """Draw everything that a script leaves open.

    Args:
        rng: decides on everything; equal generators give equal shots.
        script: labels, when they change, size of the picture.

    Returns:
        A shot; its last take has no end.
    """
    borders = (0.0, *script.changes, np.inf)
    takes = tuple(
        sample_take(rng, label, (start, end))
        for label, start, end in zip(script.labels, borders[:-1], borders[1:], strict=True)
    )
    framings = {find_action(label).framing for label in script.labels}
    wide = script.steady or len(framings) > 1 or rng.random() < 0.35
    return Shot(
        size=script.size,
        body=sample_body(rng),
        look=sample_look(rng),
        camera=sample_camera(rng, "steady" if wide else framings.pop()),
        film=sample_film(rng),
        place=sample_place(rng),
        place_seed=int(rng.integers(2**31)),
        takes=takes,
        blend_seconds=rng.uniform(0.2, 0.7) if rng.random() < 0.75 else 0.0,
        bystanders=sample_bystanders(rng),
    )
