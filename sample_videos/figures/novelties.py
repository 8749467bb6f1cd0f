"""Five movements that no shipped model ever saw: what a user's own actions are tried with.

They were chosen and drawn before anything was trained on them.
"""

import numpy as np

from figures.body import Joints, Pose, Prop, stack
from figures.performing import Cue, both, ease, rest_arms, wave


def sweeping_floor(cue: Cue, pose: Pose) -> None:
    """Push a broom over the floor from side to side, leaning over it."""
    phase = cue.phase(0.5, 1.0)
    swing = np.sin(phase)
    pose.torso_pitch = cue.between(14, 32)
    pose.torso_roll = 6 * swing
    pose.head_pitch = cue.between(5, 20)
    pose.thigh, pose.shin = both(cue.between(4, 14), cue.between(6, 12)), both(-10, 4)
    reach, width = cue.between(0.16, 0.22), cue.between(0.1, 0.18)
    pose.hand_target = [
        stack(0.03 + 0.5 * width * swing, 0.1, reach),
        stack(0.08 + width * swing, -0.1, reach + 0.05),
    ]

    def broom(joints: Joints) -> list[Prop]:
        top, low = joints["hand0"], joints["hand1"]
        foot = low + (low - top) * 2.2
        foot = foot * np.array((1, 0, 1)) + np.array((0, 0.015, 0))
        ends = [foot + np.array((side * 0.08, 0, 0)) for side in (-1, 1)]
        stick = Prop(points=(top, foot), radius=0.008, colour=0)
        return [stick, Prop(points=tuple(ends), radius=0.02, colour=1)]

    pose.make_props.append(broom)


def digging(cue: Cue, pose: Pose) -> None:
    """Drive a shovel down, and throw what is on it over the shoulder."""
    turn = cue.phase(0.35, 0.6) / (2 * np.pi)
    part = turn - np.floor(turn)
    down, up = ease(1 - np.abs(part - 0.25) / 0.25), ease(1 - np.abs(part - 0.7) / 0.25)
    pose.torso_pitch = 12 + cue.between(38, 55) * down - 6 * up
    pose.head_pitch = -0.3 * pose.torso_pitch
    pose.thigh, pose.shin = both(8 + 26 * down, 8), both(-6 - 22 * down, 3)
    side = cue.sign()
    low = stack(side * (0.06 + 0.16 * up), -0.12 - 0.1 * down + 0.32 * up, 0.2 - 0.12 * up)
    high = stack(side * (0.02 + 0.1 * up), 0.06 + 0.2 * up, 0.12)
    pose.hand_target = [high, low] if side > 0 else [low, high]

    def shovel(joints: Joints) -> list[Prop]:
        first, last = ("hand0", "hand1") if side > 0 else ("hand1", "hand0")
        top, hand = joints[first], joints[last]
        end = hand + (hand - top) * 1.1
        return [
            Prop(points=(top, end), radius=0.008, colour=0),
            Prop(points=(end, end + (hand - top) * 0.25), radius=0.035, colour=2),
        ]

    pose.make_props.append(shovel)


def drinking(cue: Cue, pose: Pose) -> None:
    """Raise a cup to the mouth, tip the head back, and lower it again."""
    up = ease(wave(cue.phase(0.3, 0.5)) * 1.4)
    rest_arms(cue, pose)
    i = int(cue.rng.integers(2))
    side = (-1, 1)[i]
    chest = cue.body.torso * 0.1
    pose.hand_target[i] = stack(
        side * (0.09 - 0.06 * up), chest + (cue.body.neck + 0.02) * up, 0.16 - 0.05 * up
    )
    pose.elbow_hint = (0.8, -0.8, 0.2)
    pose.head_pitch = -cue.between(12, 26) * up

    def cup(joints: Joints) -> list[Prop]:
        hand = joints[f"hand{i}"]
        return [Prop(points=(hand, hand + np.array((0, 0.05, 0.01))), radius=0.022, colour=1)]

    pose.make_props.append(cup)


def throwing_ball(cue: Cue, pose: Pose) -> None:
    """Draw one arm back over the shoulder and throw, stepping forward."""
    turn = cue.phase(0.45, 0.8) / (2 * np.pi)
    part = turn - np.floor(turn)
    back = ease(np.clip(part / 0.45, 0, 1)) * (1 - ease((part - 0.45) / 0.15))
    through = ease((part - 0.45) / 0.15) * (1 - ease((part - 0.65) / 0.35))
    i = int(cue.rng.integers(2))
    rest_arms(cue, pose)
    pose.upper_arm[i] = (10 - 50 * back + 95 * through, 20 + 75 * back + 10 * through)
    pose.forearm[i] = (30 + 70 * back + 70 * through, 30 + 60 * back - 10 * through)
    pose.torso_pitch = -8 * back + 18 * through
    pose.thigh[1 - i] = (34 * through, 4)
    pose.shin[1 - i] = (-14 * through, 3)
    pose.thigh[i] = (-18 * through, 4)
    radius, flies = cue.between(0.025, 0.035), (part > 0.55)[:, None]

    def ball(joints: Joints) -> list[Prop]:
        hand = joints[f"hand{i}"]
        away = np.maximum(part - 0.55, 0)[:, None] * np.array((0, 0.6, 4.0))
        return [Prop(points=(hand + flies * away,), radius=radius, colour=3)]

    pose.make_props.append(ball)


def side_bending(cue: Cue, pose: Pose) -> None:
    """Bend the trunk to one side and the other, one arm over the head."""
    lean = np.sin(cue.phase(0.3, 0.6))
    pose.torso_roll = cue.between(22, 36) * lean
    pose.head_roll = 8 * lean
    pose.thigh, pose.shin = both(2, cue.between(10, 20)), both(-2, cue.between(8, 16))
    for i, side in enumerate((-1, 1)):
        over = ease(0.5 + 1.2 * side * -lean)
        pose.upper_arm[i] = (0, 35 + 115 * over)
        pose.forearm[i] = (10, 20 + 150 * over)
