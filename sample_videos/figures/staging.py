"""Puts a shot on its stage: who is where at every time, and where that is in the picture."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from figures.actions import find_action
from figures.body import Body, FloatArray, Joints, Pose, Prop, mirror_joints, solve_joints
from figures.body import turn as turn_about
from figures.performing import Cue, ease
from figures.shots import Shot, Take

MAX_CAMERA_SHIFT = 0.07
"""Furthest that shake and pan move the picture, in shorter edges."""


@dataclass(frozen=True, slots=True)
class Performance:
    """The figure and its props over time, turned the way they face."""

    joints: Joints
    props: list[tuple[Prop, FloatArray]]
    """Each with its (T,) opacity."""


@dataclass(frozen=True, slots=True)
class View:
    """The projection of one shot: figure space to pixels and depth."""

    shot: Shot
    shift: FloatArray
    """(T, 2) camera movement in pixels."""

    @property
    def unit(self) -> float:
        """Pixels of the picture's shorter edge."""
        return float(min(self.shot.size))

    @property
    def scale(self) -> float:
        """Pixels of one body height."""
        return self.unit * self.shot.camera.scale

    @property
    def floor_line(self) -> float:
        """Pixel row where the ground meets what is behind it."""
        camera = self.shot.camera
        # A tenth of a body height above the soles: the ground reaches behind the figure.
        return float(self._middle[1]) + self.scale * float(
            camera.aim * np.cos(np.deg2rad(camera.elevation)) - 0.1
        )

    @property
    def _middle(self) -> tuple[float, float]:
        width, height = self.shot.size
        dx, dy = self.shot.camera.offset
        return width / 2 + dx * self.unit, height / 2 + dy * self.unit

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (T, 2) pixels and (T,) depth; larger is nearer."""
        elevation = np.deg2rad(self.shot.camera.elevation)
        x, y, z = np.moveaxis(points, -1, 0)
        middle_x, middle_y = self._middle
        up = (y - self.shot.camera.aim) * np.cos(elevation) - z * np.sin(elevation)
        place = np.stack([middle_x + self.scale * x, middle_y - self.scale * up], -1)
        return place + self.shift, z


def perform(shot: Shot, seconds: FloatArray) -> Performance:
    """Pose the figure at every time, gliding from each take into the next."""
    joints: Joints = {}
    facing = np.zeros(len(seconds))
    props: list[tuple[Prop, FloatArray]] = []
    weights = _take_weights(shot, seconds)
    for take, weight in zip(shot.takes, weights, strict=True):
        if not weight.any():
            continue
        posed, made = _perform_take(take, shot.body, seconds)
        facing = facing + weight * take.yaw
        for name, place in posed.items():
            joints[name] = joints.get(name, 0.0) + weight[:, None] * place
        for prop in made:
            turned = tuple(turn_about(point, take.yaw) for point in prop.points)
            # Props come and go quickly around the middle of the glide.
            opacity = ease(weight * 2 - 0.5) if shot.blend_seconds else weight
            props.append((Prop(points=turned, radius=prop.radius, colour=prop.colour), opacity))
    joints = {name: turn_about(place, facing) for name, place in joints.items()}
    return Performance(joints, props)


def _take_weights(shot: Shot, seconds: FloatArray) -> list[FloatArray]:
    """Return for each take its (T,) share in the pose; they add up to one."""
    begun = [np.ones(len(seconds))]
    for take in shot.takes[1:]:
        since = seconds - take.start_seconds
        if shot.blend_seconds:
            begun.append(ease(since / shot.blend_seconds + 0.5))
        else:
            begun.append((since >= 0).astype(np.float64))
    begun.append(np.zeros(len(seconds)))
    return [now - after for now, after in pairwise(begun)]


def _perform_take(take: Take, body: Body, seconds: FloatArray) -> tuple[Joints, list[Prop]]:
    rng = np.random.default_rng(take.seed)
    cue = Cue(rng, seconds - take.start_seconds, body)
    pose = Pose()
    find_action(take.label).perform(cue, pose)
    # Nobody keeps head and trunk perfectly still.
    pose.head_pitch = pose.head_pitch + 3 * np.sin(cue.phase(0.25, 0.35))
    pose.torso_pitch = pose.torso_pitch + 1.5 * np.sin(cue.phase(0.2, 0.3))
    joints = solve_joints(pose, body, len(seconds))
    props = [prop for make in pose.make_props for prop in make(joints)]
    full = len(seconds)
    props = [
        Prop(
            points=tuple(np.broadcast_to(point, (full, 3)) for point in prop.points),
            radius=prop.radius,
            colour=prop.colour,
        )
        for prop in props
    ]
    if take.mirrored:
        joints = mirror_joints(joints)
        props = [
            Prop(
                points=tuple(point * (-1, 1, 1) for point in prop.points),
                radius=prop.radius,
                colour=prop.colour,
            )
            for prop in props
        ]
    return joints, props


def camera_shift(shot: Shot, seconds: FloatArray) -> FloatArray:
    """Return the (T, 2) shift in pixels: a few sines make a shaky hand, one slow one a pan."""
    camera = shot.camera
    rng = np.random.default_rng([camera.seed, 3])
    shift = np.zeros((len(seconds), 2))
    for axis in range(2):
        for low, high, share in ((0.3, 0.8, 1.0), (0.8, 2.0, 0.5), (2.0, 4.0, 0.3)):
            phase = 2 * np.pi * (rng.uniform(low, high) * seconds + rng.random())
            shift[:, axis] += camera.shake * share * np.sin(phase)
        phase = 2 * np.pi * (seconds / rng.uniform(6, 16) + rng.random())
        shift[:, axis] += camera.pan[axis] * np.sin(phase)
    return np.clip(shift, -MAX_CAMERA_SHIFT, MAX_CAMERA_SHIFT) * min(shot.size)


def cut(performance: Performance, part: slice) -> Performance:
    """Return a performance's frames between two bounds."""
    return Performance(
        {name: place[part] for name, place in performance.joints.items()},
        [
            (
                Prop(
                    points=tuple(point[part] for point in prop.points),
                    radius=prop.radius,
                    colour=prop.colour,
                ),
                opacity[part],
            )
            for prop, opacity in performance.props
        ],
    )
