"""Draws one figure, its props and its shadow over the background."""

from dataclasses import dataclass

import numpy as np

from figures.body import FloatArray, Joints, Prop
from figures.drawing import Colour, Cone, Paint, Pixels, darken_ellipse, mix, paint_cones
from figures.staging import Performance, View


def draw_shadow(pixels: Pixels, view: View, now: Performance) -> None:
    """Lay the figure's shadow on the ground: wider the more it stretches, fainter when it leaps.

    Args:
        pixels: (3, T, H, W) float32, changed in place.
        view: of these T frames.
        now: the figure in these T frames.
    """
    names = ("ankle0", "ankle1", "pelvis", "chest")
    under = np.mean([now.joints[name] for name in names], axis=0)
    height = under[:, 1].mean()
    under[:, 1] = 0
    spread = np.ptp([now.joints[name][:, 0] for name in names], axis=0).mean()
    strength = 0.4 / (1 + 0.3 * max(0.0, height))
    radii = ((0.17 + 0.4 * spread) * view.scale, 0.045 * view.scale)
    darken_ellipse(pixels, view.project(under)[0], radii, strength)


@dataclass(frozen=True, slots=True)
class _Part:
    """Something to draw, with the depth that decides on its turn."""

    depth: float
    cones: list[Cone]
    paint: Paint


def draw_figure(pixels: Pixels, view: View, now: Performance) -> None:
    """Draw the figure, if there is one, and all things, the farthest first.

    Args:
        pixels: (3, T, H, W) float32, changed in place.
        view: of these T frames.
        now: the figure in these T frames; limbs are sorted by their mean depth over all of them.
    """
    figure = _Figure(view, now)
    parts = figure.prop_parts()
    if view.shot.empty:
        for part in sorted(parts, key=lambda part: part.depth):
            paint_cones(pixels, part.cones, part.paint)
        return
    parts = [*figure.body_parts(), *parts]
    head_depth = figure.depth("head") + 0.03
    nearer = [part for part in parts if part.depth >= head_depth]
    farther = [part for part in parts if part.depth < head_depth]
    for part in sorted(farther, key=lambda part: part.depth):
        paint_cones(pixels, part.cones, part.paint)
    for part in figure.head_parts():
        paint_cones(pixels, part.cones, part.paint)
    for part in sorted(nearer, key=lambda part: part.depth):
        paint_cones(pixels, part.cones, part.paint)


class _Figure:
    """Projects one performance and lists its parts."""

    def __init__(self, view: View, now: Performance) -> None:
        self._view, self._now = view, now
        self._look, self._body = view.shot.look, view.shot.body
        self._places = {name: view.project(place) for name, place in now.joints.items()}

    def depth(self, *names: str) -> float:
        """Return the mean depth of some joints."""
        return float(np.mean([self._places[name][1] for name in names]))

    def _radius(self, thickness: float) -> float:
        # Thinner than this, a limb would vanish between pixels.
        return max(0.6, thickness * self._view.scale * self._body.girth)

    def _cone(self, names: tuple[str, str], thickness: tuple[float, float]) -> Cone:
        return Cone(
            start=self._places[names[0]][0],
            end=self._places[names[1]][0],
            start_radius=self._radius(thickness[0]),
            end_radius=self._radius(thickness[1]),
        )

    def _paint(self, colour: Colour, opacity: FloatArray | float = 1.0) -> Paint:
        look = self._look
        return Paint(colour=colour, light=look.light, outline=look.outline, opacity=opacity)

    def _limb(
        self, names: tuple[str, str], thickness: tuple[float, float], style: tuple[Colour, float]
    ) -> _Part:
        colour, nearer = style
        depth = self.depth(*names) + nearer
        return _Part(depth, [self._cone(names, thickness)], self._paint(colour))

    def body_parts(self) -> list[_Part]:
        """List all but the head.

        The thicknesses (in body heights) and the little depths by which one part covers another
        were chosen by eye.
        """
        look = self._look
        calf = look.skin if look.shorts else look.trousers
        sleeve = look.shirt if look.long_sleeves else look.skin
        parts = [self._torso(), self._limb(("neck", "head"), (0.03, 0.03), (look.skin, -0.001))]
        # The waistband always covers the shirt, however the trunk leans.
        hips = self._limb(("hip0", "hip1"), (0.056, 0.056), (look.trousers, 0.0))
        parts.append(_Part(self.depth("chest", "pelvis") + 0.001, hips.cones, hips.paint))
        if look.long_hair:
            radius = self._body.head_radius * self._view.scale
            tail = Cone(
                start=self._places["hair"][0],
                end=self._places["hair end"][0],
                start_radius=radius * 0.95,
                end_radius=radius * 0.6,
            )
            parts.append(_Part(self.depth("hair end"), [tail], self._paint(look.hair)))
        for i in "01":
            hip, knee, ankle, toe = f"hip{i}", f"knee{i}", f"ankle{i}", f"toe{i}"
            shoulder, elbow, hand = f"shoulder{i}", f"elbow{i}", f"hand{i}"
            parts += [
                self._limb((hip, knee), (0.055, 0.042), (look.trousers, 0.02)),
                self._limb((knee, ankle), (0.041, 0.028), (calf, 0.018)),
                self._limb((ankle, toe), (0.031, 0.024), (look.shoes, 0.022)),
                self._limb((shoulder, elbow), (0.037, 0.031), (look.shirt, 0.022)),
                self._limb((elbow, hand), (0.029, 0.023), (sleeve, 0.026)),
                self._limb((hand, hand), (0.031, 0.031), (look.skin, 0.03)),
            ]
        return parts

    def _torso(self) -> _Part:
        cones = [
            self._cone(("chest", "pelvis"), (0.06, 0.056)),
            self._cone(("shoulder0", "hip0"), (0.043, 0.046)),
            self._cone(("shoulder1", "hip1"), (0.043, 0.046)),
            self._cone(("shoulder0", "shoulder1"), (0.043, 0.043)),
        ]
        return _Part(self.depth("chest", "pelvis"), cones, self._paint(self._look.shirt))

    def prop_parts(self) -> list[_Part]:
        """List the things in use and the things that lie about."""
        view, parts = self._view, []
        always = np.ones(len(view.shift))
        things = [(prop, opacity) for prop, opacity in self._now.props if opacity.any()]
        for prop in view.shot.bystanders:
            points = tuple(np.broadcast_to(point, (len(always), 3)) for point in prop.points)
            things.append((Prop(points=points, radius=prop.radius, colour=prop.colour), always))
        for prop, opacity in things:
            radius = max(0.55, prop.radius * view.scale)
            spots = [view.project(point) for point in prop.points]
            paint = self._paint(
                self._look.props[prop.colour], 1.0 if opacity.min() == 1 else opacity
            )
            # A ball is a chain of one link; a link lies as deep as its middle.
            for (start, near), (end, far) in zip(
                spots[:-1] or spots, spots[1:] or spots, strict=True
            ):
                cone = Cone(start=start, end=end, start_radius=radius, end_radius=radius)
                parts.append(_Part(float((near + far).mean()) / 2 + 0.01, [cone], paint))
        return parts

    def head_parts(self) -> list[_Part]:
        """List the head's parts in the order in which they are drawn: hair, face, features."""
        look, radius = self._look, self._body.head_radius * self._view.scale
        place = {name: spot for name, (spot, _) in self._places.items()}
        head_depth = self._places["head"][1]
        turned_away = (self._places["nose"][1] - head_depth).mean() < -0.35 * self._body.head_radius
        middle = (
            place["head"] * 0.7
            + (place["eye0"] + place["eye1"]) * 0.11
            + (place["mouth0"] + place["mouth1"]) * 0.04
        )
        face = _Part(0, [_disc(middle, radius * 0.86)], self._paint(look.skin))
        hair_cone = Cone(
            start=place["hair"],
            end=place["hair top"],
            start_radius=radius * (1.0 if turned_away else 0.98),
            end_radius=radius * (0.95 if turned_away else 0.9),
        )
        hair = _Part(0, [hair_cone], self._paint(look.hair))
        if turned_away:
            return [face, hair]
        return [hair, face, *self._features(place, radius)]

    def _features(self, place: Joints, radius: float) -> list[_Part]:
        look, parts = self._look, []
        head_depth = self._places["head"][1]
        dark, blush = mix(look.hair, (0, 0, 0), 0.6), mix(look.skin, (0.45, 0.15, 0.1), 0.35)
        for name, size, colour in (
            ("eye0", 0.12, dark),
            ("eye1", 0.12, dark),
            ("nose", 0.12, blush),
        ):
            seen = (self._places[name][1] - head_depth > 0.1 * self._body.head_radius).astype(float)
            paint = Paint(colour=colour, opacity=seen)
            parts.append(_Part(0, [_disc(place[name], max(0.5, radius * size))], paint))
        depths = [self._places[name][1] - head_depth for name in ("mouth0", "mouth1")]
        seen = (np.min(depths, axis=0) > 0.1 * self._body.head_radius).astype(float)
        mouth = Cone(
            start=place["mouth0"],
            end=place["mouth1"],
            start_radius=radius * 0.06,
            end_radius=radius * 0.06,
        )
        # Below a pixel a mouth is only dirt.
        if radius * 0.06 > 0.5:
            parts.append(_Part(0, [mouth], Paint(colour=blush, opacity=seen)))
        return parts


def _disc(centre: FloatArray, radius: float) -> Cone:
    return Cone(start=centre, end=centre, start_radius=radius, end_radius=radius)
