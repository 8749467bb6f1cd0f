"""The figure itself: proportions, poses, and where the joints are.

Owns the kinematics. Knows nothing about pixels, cameras or clothes. Lengths are in body heights
(a figure of average build is about 1 tall), angles in degrees. The figure's own frame: x to the
viewer's right when it faces the viewer, y up, z towards the viewer (forward).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[Any]
Joints = dict[str, FloatArray]
"""Joint name → positions, shape (T, 3). A trailing 0 is the left of the picture, 1 the right."""
Swing = FloatArray | float
Limb = tuple[Swing, Swing]
"""(forward flexion, outward abduction) of a limb in degrees; (0, 0) hangs straight down."""

TRACKED_JOINTS = (
    "head",
    "shoulder0",
    "shoulder1",
    "elbow0",
    "elbow1",
    "hand0",
    "hand1",
    "hip0",
    "hip1",
    "knee0",
    "knee1",
    "ankle0",
    "ankle1",
)
"""The joints whose places in the picture are reported with every rendered frame."""

SIDES = (-1.0, 1.0)
LIMB_THICKNESS = 0.04  # of an average limb: how far its skin lies from its axis
FOOT_LENGTH = 0.075
FACE_POINTS = ("eye", "nose", "mouth", "hair")
"""Joints whose names start so are marks on the head, which never touch the ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Lengths of one figure's parts in body heights."""

    thigh: float
    shin: float
    torso: float
    upper_arm: float
    forearm: float
    shoulder_half_width: float
    hip_half_width: float
    head_radius: float
    neck: float
    girth: float
    """Factor on the thickness of every limb; 1 is average."""
    ankle_height: float = 0.035

    @property
    def arm(self) -> float:
        """Length of the stretched arm."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> float:
        """Height of the hip when standing upright."""
        return self.thigh + self.shin + self.ankle_height


def sample_body(rng: np.random.Generator) -> Body:
    """Draw a figure's proportions: average ones, each off by up to a fifth or so."""

    def around(mean: float, spread: float = 0.12) -> float:
        return mean * rng.uniform(1 - spread, 1 + spread)

    return Body(
        thigh=around(0.235),
        shin=around(0.235),
        torso=around(0.285),
        upper_arm=around(0.165),
        forearm=around(0.165),
        shoulder_half_width=around(0.105, 0.2),
        hip_half_width=around(0.06, 0.2),
        head_radius=around(0.075, 0.18),
        neck=around(0.05, 0.3),
        girth=rng.uniform(0.75, 1.45),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prop:
    """A thing the figure handles: a chain of points with a thickness (one point: a ball)."""

    points: tuple[FloatArray, ...]
    """Each (T, 3), in the figure's frame."""
    radius: float
    colour: int
    """Index into the colours for props that the clip drew."""


@dataclass(slots=True)
class Pose:
    """One figure's pose over T frames; the defaults are a relaxed stand.

    Every angle may be a number or an array of shape (T,). Targets are (T, 3) and win over angles.
    """

    torso_pitch: Swing = 0.0
    torso_roll: Swing = 0.0
    head_pitch: Swing = 0.0
    head_yaw: Swing = 0.0
    head_roll: Swing = 0.0
    upper_arm: list[Limb] = field(default_factory=lambda: [(4.0, 9.0)] * 2)
    forearm: list[Limb] = field(default_factory=lambda: [(14.0, 7.0)] * 2)
    thigh: list[Limb] = field(default_factory=lambda: [(0.0, 4.0)] * 2)
    shin: list[Limb] = field(default_factory=lambda: [(-3.0, 3.0)] * 2)
    arms_follow_torso: bool = False
    hand_target: list[FloatArray | None] = field(default_factory=lambda: [None, None])
    hand_frame: Literal["chest", "world"] = "chest"
    elbow_hint: tuple[float, float, float] = (0.6, -0.7, -0.3)
    foot_target: list[FloatArray | None] = field(default_factory=lambda: [None, None])
    root_pitch: Swing = 0.0
    root_roll: Swing = 0.0
    contact: Literal["feet", "pelvis", "push up", "lowest"] = "feet"
    """What rests on the ground, unless `pelvis_height` says where the pelvis is."""
    pelvis_height: Swing | None = None
    lift: Swing = 0.0
    travel: FloatArray | None = None
    """(T, 3) displacement of the whole figure."""
    make_props: list[Callable[[Joints], list[Prop]]] = field(default_factory=list)


def radians(degrees: Swing) -> Swing:
    """Convert degrees to radians."""
    return np.asarray(degrees) * (np.pi / 180)


def stack(x: Swing, y: Swing, z: Swing) -> FloatArray:
    """Put three coordinates, each a number or (T,), together as (T, 3)."""
    return np.stack(np.broadcast_arrays(x, y, z), -1).astype(np.float64)


def limb_direction(limb: Limb, side: float) -> FloatArray:
    """Return the unit vector (…, 3) in which a limb points."""
    flexion, abduction = radians(limb[0]), radians(limb[1])
    return stack(
        side * np.sin(abduction),
        -np.cos(abduction) * np.cos(flexion),
        np.cos(abduction) * np.sin(flexion),
    )


def pitch(points: FloatArray, degrees: Swing) -> FloatArray:
    """Rotate (…, 3) points about the x axis; positive degrees lean forward."""
    cos, sin = np.cos(radians(degrees)), np.sin(radians(degrees))
    x, y, z = np.moveaxis(points, -1, 0)
    return stack(x, y * cos - z * sin, y * sin + z * cos)


def roll(points: FloatArray, degrees: Swing) -> FloatArray:
    """Rotate (…, 3) points about the z axis, counter-clockwise for the viewer."""
    cos, sin = np.cos(radians(degrees)), np.sin(radians(degrees))
    x, y, z = np.moveaxis(points, -1, 0)
    return stack(x * cos - y * sin, x * sin + y * cos, z)


def turn(points: FloatArray, degrees: Swing) -> FloatArray:
    """Rotate (…, 3) points about the vertical axis; positive degrees turn to the right."""
    cos, sin = np.cos(radians(degrees)), np.sin(radians(degrees))
    x, y, z = np.moveaxis(points, -1, 0)
    return stack(x * cos + z * sin, y, -x * sin + z * cos)


def bend_to(
    root: FloatArray, target: FloatArray, lengths: tuple[float, float], hint: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Place the middle and the end of a two-part limb so that the end reaches the target.

    Args:
        root: (T, 3) shoulders or hips.
        target: (T, 3) where the end should be; if too far, the limb stretches towards it.
        lengths: of the upper and the lower part.
        hint: (3,) direction into which the middle joint bends.

    Returns:
        Middle and end, each (T, 3).
    """
    upper, lower = lengths
    reach = target - root
    distance = np.linalg.norm(reach, axis=-1, keepdims=True) + 1e-6
    along = reach / distance
    distance = np.clip(distance, abs(upper - lower) + 1e-3, (upper + lower) * 0.998)
    # Law of cosines for the angle at the root.
    cos = np.clip((upper**2 + distance**2 - lower**2) / (2 * upper * distance), -1, 1)
    across = hint - (hint * along).sum(-1, keepdims=True) * along
    across = across / (np.linalg.norm(across, axis=-1, keepdims=True) + 1e-6)
    middle = root + along * upper * cos + across * upper * np.sqrt(1 - cos**2)
    return middle, root + along * distance


def solve_joints(pose: Pose, body: Body, num_frames: int) -> Joints:
    """Compute where every joint is.

    Args:
        pose: the pose of `num_frames` frames.
        body: the figure's proportions.
        num_frames: T, to which numbers in the pose are repeated.

    Returns:
        Name → (T, 3) positions in the figure's frame, the ground at y = 0.
    """
    joints = _trunk_and_head(pose, body, num_frames)
    _hang_limbs(joints, pose, body)
    joints = {
        name: roll(pitch(place, pose.root_pitch), pose.root_roll) for name, place in joints.items()
    }
    shift = _ground_shift(joints, pose, body)
    joints = {name: place + shift for name, place in joints.items()}
    _reach_targets(joints, pose, body)
    return joints


def _trunk_and_head(pose: Pose, body: Body, num_frames: int) -> Joints:
    origin = np.zeros((num_frames, 3))
    up = roll(pitch(origin + np.array((0, 1, 0)), pose.torso_pitch), -np.asarray(pose.torso_roll))
    right = roll(origin + np.array((1, 0, 0)), -np.asarray(pose.torso_roll))
    chest = up * body.torso
    neck = chest + up * body.neck * 0.6
    crown = roll(pitch(up, pose.head_pitch), -np.asarray(pose.head_roll))
    head = neck + crown * (body.neck * 0.4 + body.head_radius)
    across = roll(origin + np.array((1, 0, 0)), -(np.asarray(pose.torso_roll) + pose.head_roll))
    face = np.cross(across, crown)
    cos, sin = np.cos(radians(pose.head_yaw)), np.sin(radians(pose.head_yaw))
    cos, sin = np.broadcast_to(cos, num_frames)[:, None], np.broadcast_to(sin, num_frames)[:, None]
    face, across = face * cos + across * sin, across * cos - face * sin
    joints = {"pelvis": origin, "chest": chest, "neck": neck, "head": head}
    for i, side in enumerate(SIDES):
        joints[f"hip{i}"] = origin + np.array((side * body.hip_half_width, 0, 0))
        joints[f"shoulder{i}"] = chest + right * side * body.shoulder_half_width
        joints[f"eye{i}"] = head + body.head_radius * (
            face * 0.88 + crown * 0.12 + across * side * 0.36
        )
        joints[f"mouth{i}"] = head + body.head_radius * (
            face * 0.86 - crown * 0.45 + across * side * 0.22
        )
    joints["nose"] = head + body.head_radius * (face * 1.04 - crown * 0.1)
    joints["hair"] = head - body.head_radius * (face * 0.28 - crown * 0.25)
    joints["hair top"] = head + body.head_radius * (crown * 0.45 - face * 0.15)
    joints["hair end"] = head - body.head_radius * (face * 0.75 + crown * 0.9)
    return joints


def _hang_limbs(joints: Joints, pose: Pose, body: Body) -> None:
    lean = np.asarray(pose.torso_pitch) if pose.arms_follow_torso else 0.0
    for i, side in enumerate(SIDES):
        knee = joints[f"hip{i}"] + body.thigh * limb_direction(pose.thigh[i], side)
        ankle = knee + body.shin * limb_direction(pose.shin[i], side)
        # A foot stands at a little less than a right angle to its shin.
        foot = limb_direction((np.asarray(pose.shin[i][0]) + 82, 6), side)
        joints[f"knee{i}"], joints[f"ankle{i}"] = knee, ankle
        joints[f"toe{i}"] = ankle + FOOT_LENGTH * foot
        upper, lower = pose.upper_arm[i], pose.forearm[i]
        elbow = joints[f"shoulder{i}"] + body.upper_arm * limb_direction(
            (upper[0] - lean, upper[1]), side
        )
        joints[f"elbow{i}"] = elbow
        joints[f"hand{i}"] = elbow + body.forearm * limb_direction(
            (lower[0] - lean, lower[1]), side
        )


def _ground_shift(joints: Joints, pose: Pose, body: Body) -> FloatArray:
    """Return the (T, 3) displacement that puts the figure on the ground."""
    ankles = np.minimum(joints["ankle0"][:, 1], joints["ankle1"][:, 1])
    rise: Swing
    if pose.pelvis_height is not None:
        rise = pose.pelvis_height
    elif pose.contact == "feet":
        rise = body.ankle_height - ankles
    elif pose.contact == "pelvis":
        rise = 0.07 * body.girth
    elif pose.contact == "push up":
        rise = 0.05 - joints["ankle0"][:, 1]
    else:
        depths = [
            place[:, 1] - (body.head_radius if name == "head" else LIMB_THICKNESS)
            for name, place in joints.items()
            if not name.startswith(FACE_POINTS)
        ]
        rise = -np.min(depths, axis=0)
    shift = np.zeros_like(joints["pelvis"]) if pose.travel is None else np.array(pose.travel)
    shift[:, 1] += rise + np.asarray(pose.lift)
    if pose.contact == "push up":
        # The toes stay where they are while the body rises and sinks about them.
        shift[:, 2] += -joints["ankle0"][:, 2] - 0.35
    return shift


def _reach_targets(joints: Joints, pose: Pose, body: Body) -> None:
    targets, frame = list(pose.hand_target), pose.hand_frame
    if pose.contact == "push up":
        frame = "world"
        for i in range(2):
            hand = joints[f"shoulder{i}"].copy()
            hand[:, 0] *= 1.25
            hand[:, 1] = 0.02
            # Palms do not slide: they stay below where the shoulders are about half-way down.
            hand[:, 2] = 0.97 * (body.thigh + body.shin + body.torso) - 0.34
            targets[i] = hand
    for i, side in enumerate(SIDES):
        target, foot = targets[i], pose.foot_target[i]
        if target is not None:
            goal = target + joints["chest"] if frame == "chest" else target
            hint = np.array(pose.elbow_hint) * (side, 1, 1)
            joints[f"elbow{i}"], joints[f"hand{i}"] = bend_to(
                joints[f"shoulder{i}"], goal, (body.upper_arm, body.forearm), hint
            )
        if foot is not None:
            joints[f"knee{i}"], joints[f"ankle{i}"] = bend_to(
                joints[f"hip{i}"], foot, (body.thigh, body.shin), np.array((side * 0.3, 0, 1))
            )
            joints[f"toe{i}"] = joints[f"ankle{i}"] + (side * 0.02, -0.015, FOOT_LENGTH)


def mirror_joints(joints: Joints) -> Joints:
    """Swap left and right, so that a mirrored figure keeps its left hand on the left."""
    mirrored = {}
    for name, place in joints.items():
        twin = {"0": "1", "1": "0"}.get(name[-1])
        mirrored[name[:-1] + twin if twin else name] = place * (-1, 1, 1)
    return mirrored
