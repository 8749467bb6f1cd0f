"""Movements that are no label of the demo model: doing nothing, and two to be surprised with."""

import numpy as np

from figures.body import Pose, stack
from figures.performing import Cue, both, rest_arms, wave


def standing(cue: Cue, pose: Pose) -> None:
    """Stand still in some pose, the head turned somewhere."""
    if cue.chance(0.3):
        rest_arms(cue, pose)
    elif cue.chance(0.6):
        pose.upper_arm = [(cue.between(-15, 60), cue.between(0, 50)) for _ in range(2)]
        pose.forearm = [(cue.between(0, 90), cue.between(0, 20)) for _ in range(2)]
    if cue.chance(0.5):
        knees = cue.between(0, 25)
        pose.thigh, pose.shin = both(knees, cue.between(2, 14)), both(-knees, 3)
    pose.head_yaw = cue.between(-40, 40)


def waving(cue: Cue, pose: Pose) -> None:
    """Swing one raised hand from side to side."""
    swing = np.sin(cue.phase(0.9, 1.7))
    i = int(cue.rng.integers(2))
    side = (-1, 1)[i]
    rest_arms(cue, pose)
    out, size = cue.between(0.1, 0.18), cue.between(0.06, 0.12)
    pose.hand_target[i] = stack(
        side * (cue.body.shoulder_half_width + out) + size * swing,
        cue.body.arm * cue.between(0.6, 0.75) - 0.03 * np.abs(swing),
        cue.between(0.05, 0.12),
    )
    pose.elbow_hint = (1.0, -0.6, -0.1)


def bowing(cue: Cue, pose: Pose) -> None:
    """Bend the trunk forward over straight legs and rise again."""
    down = wave(cue.phase(0.3, 0.55))
    rest_arms(cue, pose)
    pose.arms_follow_torso = True
    pose.torso_pitch = cue.between(50, 80) * down
    pose.head_pitch = cue.between(0, 25) * down
