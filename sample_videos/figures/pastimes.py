"""Movements of the street, the stage and the ring: running, fighting, dancing, playing."""

import numpy as np

from figures.body import FloatArray, Joints, Pose, Prop, stack
from figures.performing import TAU, Cue, both, ease, rest_arms, wave


def jogging(cue: Cue, pose: Pose) -> None:
    """Run in place or nearly so, heels up behind, bent arms swinging."""
    phase = cue.phase(1.25, 1.65)
    stride, heels, lean = cue.between(28, 44), cue.between(60, 100), cue.between(6, 18)
    swing, bend = cue.between(25, 32), cue.between(70, 78)
    for i, leg in enumerate((phase, phase + np.pi)):
        thigh = lean + stride * np.sin(leg)
        pose.thigh[i] = (thigh, 2)
        pose.shin[i] = (thigh - 12 - heels * wave(leg + np.pi * 0.85) ** 1.5, 1)
        arm = -swing * np.sin(leg)
        pose.upper_arm[i], pose.forearm[i] = (arm - 8, 12), (arm + bend, 0)
    pose.lift = cue.between(0.015, 0.045) * np.abs(np.cos(phase))
    pose.torso_pitch = cue.between(4, 14)


def marching(cue: Cue, pose: Pose) -> None:
    """Walk in place, knees high, arms swinging against the legs."""
    phase = cue.phase(0.7, 1.0)
    knees, straight, swing = cue.between(50, 92), cue.chance(0.5), cue.between(25, 50)
    for i, leg in enumerate((phase, phase + np.pi)):
        raised = np.clip(np.sin(leg), 0, 1)
        pose.thigh[i] = (knees * raised, 3)
        pose.shin[i] = (-cue.between(0, 12) * raised - 2, 2)
        arm = -swing * np.sin(leg)
        pose.upper_arm[i] = (arm, 7)
        pose.forearm[i] = (arm + (6 if straight else 65), 3)


def _kick_cycle(cue: Cue) -> tuple[FloatArray, FloatArray]:
    """Return the place 0…1 within each kick and the leg 0 or 1 that kicks, both (T,)."""
    kicks = cue.seconds / cue.between(1.0, 1.6) + cue.rng.random() * 4
    first, alternate = int(cue.rng.integers(2)), cue.chance(0.5)
    return kicks % 1, (np.floor(kicks).astype(int) * alternate + first) % 2


def high_kick(cue: Cue, pose: Pose) -> None:
    """Swing a straight leg forward and up to head height."""
    part, leg = _kick_cycle(cue)
    rest_arms(cue, pose)
    if cue.chance(0.5):
        pose.upper_arm, pose.forearm = both(cue.between(-20, 10), cue.between(50, 85)), both(0, 80)
    height = cue.between(110, 150)
    swing = np.clip(part / 0.62, 0, 1)
    up = np.sin(np.pi * swing) ** 1.5
    back = -18 * np.clip(np.sin(TAU * np.clip((part - 0.62) / 0.38, 0, 1)), 0, None)
    knee = 35 * np.clip(np.sin(TAU * swing), 0, None)
    for i in range(2):
        kicks = leg == i
        pose.thigh[i] = (np.where(kicks, height * up + back, -6 * up), 4)
        pose.shin[i] = (np.where(kicks, height * up + back - 6 - knee, -8 * up), 3)
    pose.torso_pitch = -cue.between(4, 18) * up


def side_kick(cue: Cue, pose: Pose) -> None:
    """Draw one knee up, thrust the foot out to the side, draw it back."""
    part, leg = _kick_cycle(cue)
    pose.upper_arm = both(cue.between(10, 30), cue.between(10, 24))
    pose.forearm = both(cue.between(105, 140), -12)
    height, tilt = cue.between(76, 105), cue.between(18, 38)
    drawn = ease(part / 0.22) * (1 - ease((part - 0.52) / 0.25))
    thrust = ease((part - 0.15) / 0.18) * (1 - ease((part - 0.40) / 0.16))
    folded = drawn * (1 - thrust)
    thigh = drawn * height * (0.7 + 0.3 * thrust)
    roll: FloatArray = 0 * part
    for i, side in enumerate((-1, 1)):
        kicks = leg == i
        pose.thigh[i] = (
            np.where(kicks, 35 * folded, 0),
            np.where(kicks, 4 + thigh, 3 + 4 * drawn),
        )
        pose.shin[i] = (
            np.where(kicks, -25 * folded, 0),
            np.where(kicks, 3 + thigh * thrust - 30 * folded, 3),
        )
        roll = roll - np.where(kicks, side * tilt * drawn * (0.5 + 0.5 * thrust), 0)
    pose.torso_roll = roll


def punching_bag(cue: Cue, pose: Pose) -> None:
    """Box against a hanging bag with both fists in turn."""
    phase = cue.phase(0.7, 1.25)
    distance, radius = cue.between(0.36, 0.42), cue.between(0.075, 0.1)
    low, high = cue.between(0.45, 0.6), cue.between(1.0, 1.12)
    hits = [np.clip(np.sin(beat), 0, 1) ** 2 for beat in (phase, phase + np.pi)]
    sway = cue.between(0.01, 0.03) * np.sin(2 * phase + 1)
    guard = (0.07, cue.between(0.0, 0.06), 0.12)
    reach = distance - radius + 0.02
    pose.hand_target = [
        stack(
            side * (guard[0] - 0.03 * hit),
            guard[1] + 0.02 * hit,
            guard[2] + (reach - guard[2]) * hit,
        )
        for side, hit in zip((-1, 1), hits, strict=True)
    ]
    pose.elbow_hint = (0.5, -1.0, -0.2)
    pose.thigh, pose.shin = [(14, 6), (-10, 6)], [(-6, 3), (-20, 3)]
    pose.torso_pitch = cue.between(2, 8)
    pose.head_yaw = 6 * np.sin(phase)

    def bag(_joints: Joints) -> list[Prop]:
        bottom, top = stack(0, low + 0 * sway, distance + sway), stack(0, high, distance + sway / 2)
        hook = stack(0 * sway, 1.9, distance)
        return [
            Prop(points=(bottom, top), radius=radius, colour=2),
            Prop(points=(top, hook), radius=0.007, colour=0),
        ]

    pose.make_props.append(bag)


def tai_chi(cue: Cue, pose: Pose) -> None:
    """Move both hands in slow large curves over softly bent knees."""
    body = cue.body
    phase = cue.phase(0.14, 0.27)
    way, size, lag = cue.sign(), cue.between(0.14, 0.22), cue.between(0, np.pi)
    pose.hand_target = [
        stack(
            side * 0.12 + size * np.cos(way * phase + late),
            -0.06 + size * 0.9 * np.sin(phase + late),
            0.2 + 0.09 * np.cos(phase + lag - late),
        )
        for side, late in ((-1, 0.0), (1, lag))
    ]
    sink, apart = cue.between(0.04, 0.10), cue.between(0.11, 0.2)
    pose.pelvis_height = body.leg - sink - 0.02 * wave(phase)
    pose.travel = stack(cue.between(0.03, 0.07) * np.sin(phase), 0, 0)
    ahead = cue.between(-0.05, 0.12)
    still = 0 * phase
    pose.foot_target = [
        stack(-apart + still, body.ankle_height, 0),
        stack(apart + still, body.ankle_height, ahead),
    ]


def clapping(cue: Cue, pose: Pose) -> None:
    """Clap the hands in front of the chest."""
    apart = wave(cue.phase(1.6, 2.7))
    gap, forward = cue.between(0.11, 0.24), cue.between(0.16, 0.24)
    height = cue.between(-0.16, 0.06) + cue.between(-0.03, 0.03) * apart
    pose.hand_target = [stack(side * (0.012 + gap * apart), height, forward) for side in (-1, 1)]


def pumping_fist(cue: Cue, pose: Pose) -> None:
    """Thrust one fist up into the air again and again."""
    up = wave(cue.phase(1.1, 2.1))
    i = int(cue.rng.integers(2))
    side = (-1, 1)[i]
    rest_arms(cue, pose)
    low, high = cue.between(0.05, 0.12), cue.body.arm * cue.between(0.85, 0.97)
    pose.hand_target[i] = stack(
        side * (cue.body.shoulder_half_width + cue.between(0.0, 0.1)),
        low + (high - low) * up,
        cue.between(0.03, 0.12),
    )
    pose.elbow_hint = (1.0, -0.3, -0.2)
    pose.lift = cue.between(0, 0.03) * up


def headbanging(cue: Cue, pose: Pose) -> None:
    """Throw the head forward and back to a beat."""
    down = wave(cue.phase(1.3, 2.3))
    rest_arms(cue, pose)
    pose.head_pitch = -14 + cue.between(55, 78) * down
    pose.torso_pitch = cue.between(2, 8) + cue.between(12, 30) * down
    bend = cue.between(0, 16) * down
    pose.thigh, pose.shin = both(bend, 8), both(-bend, 5)
    pose.arms_follow_torso = cue.chance(0.5)


def hula_hooping(cue: Cue, pose: Pose) -> None:
    """Circle the hips inside a hoop."""
    body = cue.body
    phase = cue.sign() * cue.phase(1.1, 2.0)
    size = cue.between(0.035, 0.08)
    pose.travel = stack(size * np.cos(phase), 0, size * 0.8 * np.sin(phase))
    pose.pelvis_height = body.leg - 0.02
    apart, still = cue.between(0.06, 0.13), 0 * phase
    pose.foot_target = [stack(side * apart + still, body.ankle_height, 0) for side in (-1, 1)]
    # The shoulders stay over the feet while the hips move.
    lean = float(np.rad2deg(size / body.torso)) * 0.8
    pose.torso_roll, pose.torso_pitch = lean * np.cos(phase), -0.8 * lean * np.sin(phase)
    if cue.chance(0.6):
        pose.upper_arm = both(10, cue.between(60, 95))
        pose.forearm = both(20, cue.between(80, 160))
    else:
        rest_arms(cue, pose)
    radius, tilt = cue.between(0.2, 0.27), np.deg2rad(cue.between(4, 12))

    def hoop(joints: Joints) -> list[Prop]:
        centre = joints["pelvis"] + stack(-0.08 * np.cos(phase), 0.06, -0.08 * np.sin(phase))
        points = [
            centre
            + stack(
                radius * np.cos(angle),
                np.sin(tilt) * radius * np.cos(angle - phase),
                radius * np.sin(angle),
            )
            for angle in np.linspace(0, TAU, 17)
        ]
        return [Prop(points=tuple(points), radius=0.011, colour=2)]

    pose.make_props.append(hoop)


def dribbling_basketball(cue: Cue, pose: Pose) -> None:
    """Bounce a ball beside the feet with one hand."""
    part = (cue.between(1.2, 2.0) * cue.seconds + cue.rng.random()) % 1
    i = int(cue.rng.integers(2))
    side = (-1, 1)[i]
    radius, top = cue.between(0.065, 0.085), cue.between(0.36, 0.5)
    x = side * (cue.body.shoulder_half_width + cue.between(0.06, 0.13))
    forward = cue.between(0.06, 0.2)
    # Between two bounces a ball follows a parabola.
    height = radius + (top - radius) * (1 - (1 - np.abs(2 * part - 1)) ** 2)
    bend = cue.between(8, 32)
    pose.thigh, pose.shin = both(bend, 8), both(-bend, 4)
    pose.torso_pitch = cue.between(4, 22)
    rest_arms(cue, pose)
    pose.hand_frame = "world"
    pose.hand_target[i] = stack(x, np.maximum(height + radius, top - 0.06), forward)

    def ball(_joints: Joints) -> list[Prop]:
        return [Prop(points=(stack(x, height, forward),), radius=radius, colour=3)]

    pose.make_props.append(ball)
