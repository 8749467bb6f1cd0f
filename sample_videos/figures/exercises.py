"""Movements of the gym: strength, gymnastics, aerobics."""

import numpy as np

from figures.body import FloatArray, Joints, Pose, Prop, stack
from figures.performing import TAU, Cue, both, rest_arms, wave


def squat(cue: Cue, pose: Pose) -> None:
    """Bend and stretch both knees side by side."""
    down = wave(cue.phase(0.42, 0.8)) * cue.between(0.75, 1)
    knees, apart = cue.between(85, 105), cue.between(8, 24)
    rest_arms(cue, pose)
    if cue.chance(0.5):
        pose.upper_arm, pose.forearm = both(15 + down * 75, 6), both(20 + down * 75, 2)
    pose.thigh, pose.shin = both(knees * down, apart), both(-knees * 0.5 * down, 4)
    pose.torso_pitch = cue.between(22, 42) * down
    pose.head_pitch = -0.4 * pose.torso_pitch


def lunge(cue: Cue, pose: Pose) -> None:
    """Step apart, one foot forward, and sink until the rear knee nears the ground."""
    turns = cue.between(0.45, 0.75) * cue.seconds + cue.rng.random()
    down = wave(TAU * turns) * cue.between(0.85, 1)
    first = int(cue.rng.integers(2))
    alternate = cue.chance(0.5)
    lead = (np.floor(turns).astype(int) * alternate + first) % 2
    rest_arms(cue, pose)
    for i in range(2):
        leads = lead == i
        pose.thigh[i] = (np.where(leads, 84 * down, -16 * down), 4)
        pose.shin[i] = (np.where(leads, -4 * down, -80 * down), 2)
    pose.torso_pitch = cue.between(0, 12) * down


def push_up(cue: Cue, pose: Pose) -> None:
    """Lower and raise a straight body on the arms."""
    body = cue.body
    down = wave(cue.phase(0.5, 0.95)) * cue.between(0.75, 1)
    height = body.arm * (0.97 - 0.58 * down)
    length = body.thigh + body.shin + body.torso
    pose.root_pitch = 90 - np.rad2deg(np.arcsin(np.clip(height / length, -1, 1)))
    pose.thigh, pose.shin = both(0, 3), both(0, 2)
    pose.contact = "push up"
    pose.head_pitch = -cue.between(0, 35)
    pose.elbow_hint = (cue.between(0.5, 1.2), 0.6, -0.8)
    pose.torso_pitch = cue.between(-6, 6)


def situp(cue: Cue, pose: Pose) -> None:
    """Sit up from lying on the back, knees bent."""
    up = wave(cue.phase(0.4, 0.75))
    pose.torso_pitch = -86 + up * cue.between(85, 112)
    pose.contact = "pelvis"
    knees = cue.between(38, 50)
    pose.thigh, pose.shin = both(180 - knees, 5), both(knees - 4, 3)
    pose.arms_follow_torso = True
    upper, lower = [
        (both(120, 35), both(215, -20)),  # hands behind the head
        (both(30, 14), both(130, -35)),  # crossed on the chest
        (both(70, 5), both(80, 2)),  # stretched forward
    ][cue.rng.integers(3)]
    pose.upper_arm, pose.forearm = upper, lower
    pose.head_pitch = cue.between(0, 25)


def pull_ups(cue: Cue, pose: Pose) -> None:
    """Pull the body up to a bar and let it down."""
    body = cue.body
    up = wave(cue.phase(0.45, 0.85)) * cue.between(0.8, 1)
    bar, grip = cue.between(1.28, 1.4), body.shoulder_half_width * cue.between(1.0, 1.7)
    pose.pelvis_height = bar - body.arm * (0.97 - 0.75 * up) - body.torso
    knees = cue.between(0, 60)
    pose.thigh, pose.shin = both(knees * 0.2 + 6 * up, 3), both(-knees, 2)
    pose.hand_frame = "world"
    pose.elbow_hint = (1.0, -0.5, -0.4)
    still = 0 * cue.seconds
    pose.hand_target = [stack(side * grip + still, bar, 0.02) for side in (-1, 1)]
    pose.head_pitch = -cue.between(0, 20)
    half, posts = cue.between(0.45, 0.75), cue.chance(0.6)

    def horizontal_bar(_joints: Joints) -> list[Prop]:
        ends = [stack(side * half + still, bar, 0.02) for side in (-1, 1)]
        frame = [Prop(points=tuple(ends), radius=0.014, colour=0)]
        if posts:
            frame += [Prop(points=(end, end * (1, 0, 1)), radius=0.014, colour=0) for end in ends]
        return frame

    pose.make_props.append(horizontal_bar)


def doing_aerobics(cue: Cue, pose: Pose) -> None:
    """Do jumping jacks."""
    phase = cue.phase(0.85, 1.5)
    out, top = wave(phase), cue.between(130, 165)
    pose.upper_arm = both(0, 10 + (top - 8) * out)
    pose.forearm = both(4, 12 + top * out)
    legs = cue.between(18, 32)
    pose.thigh, pose.shin = both(4, 3 + legs * out), both(-4, 3 + legs * out)
    pose.lift = cue.between(0.02, 0.07) * np.abs(np.sin(phase))


def skipping_rope(cue: Cue, pose: Pose) -> None:
    """Hop in place over a rope that turns once per hop."""
    phase = cue.phase(1.7, 2.6)
    pose.lift = cue.between(0.035, 0.09) * np.clip(np.sin(phase), -0.15, 1)
    bend = 14 * np.clip(-np.sin(phase), 0, 1) + 6
    if cue.chance(0.2):
        left = np.sin(phase / 2) > 0
        pose.thigh = [(np.where(left, 25, bend), 3), (np.where(left, bend, 25), 3)]
        pose.shin = [(np.where(left, -40, -bend), 2), (np.where(left, -bend, -40), 2)]
    else:
        pose.thigh, pose.shin = both(bend, 3), both(-bend - 4, 2)
    swing, raised, out = cue.between(4, 12), cue.between(40, 75), cue.between(15, 40)
    pose.upper_arm = both(-5, 16)
    pose.forearm = both(raised + swing * np.sin(phase), out + swing * np.cos(phase))
    length, visible = cue.between(0.55, 0.68), cue.chance(0.85)

    def rope(joints: Joints) -> list[Prop]:
        points = []
        for u in np.linspace(0, 1, 11):
            belly = np.sin(np.pi * u)
            swung = length * belly**0.7
            bow = stack((u - 0.5) * 0.25 * belly, -swung * np.sin(phase), swung * np.cos(phase))
            points.append(joints["hand0"] * (1 - u) + joints["hand1"] * u + bow)
        return [Prop(points=tuple(points), radius=0.006, colour=1)] if visible else []

    pose.make_props.append(rope)


def exercising_arm(cue: Cue, pose: Pose) -> None:
    """Circle both stretched arms at shoulder height."""
    phase = cue.sign() * cue.phase(0.9, 1.7)
    size, level, mirrored = cue.between(16, 32), cue.between(78, 98), cue.sign()
    for i, way in enumerate((1, mirrored)):
        flexion, abduction = way * size * np.cos(phase), level + size * np.sin(phase)
        pose.upper_arm[i] = (flexion, abduction)
        pose.forearm[i] = (flexion * 1.2, abduction + 3)


def deadlifting(cue: Cue, pose: Pose) -> None:
    """Lift a barbell from the floor to the hips and put it down, arms straight."""
    down = wave(cue.phase(0.35, 0.62))
    knees = cue.between(50, 66)
    pose.thigh, pose.shin = both(4 + knees * down, 7), both(-3 - 20 * down, 3)
    pose.torso_pitch = 2 + cue.between(58, 72) * down
    pose.head_pitch = -cue.between(15, 35) * down
    pose.upper_arm, pose.forearm = both(4, cue.between(4, 10)), both(4, 2)
    half, plate = cue.between(0.36, 0.44), cue.between(0.075, 0.095)

    def barbell(joints: Joints) -> list[Prop]:
        middle = (joints["hand0"] + joints["hand1"]) / 2
        ends = [middle + np.array((side * half, 0, 0)) for side in (-1, 1)]
        bar = [Prop(points=tuple(ends), radius=0.009, colour=0)]
        discs = [
            Prop(
                points=(end + np.array((0, -plate, z)), end + np.array((0, plate, z))),
                radius=0.026,
                colour=1,
            )
            for end in ends
            for z in (-0.3 * plate, 0.3 * plate)
        ]
        return bar + discs

    pose.make_props.append(barbell)


def _rolling_turns(
    cue: Cue, duration: tuple[float, float], pause: float
) -> tuple[FloatArray, FloatArray]:
    """Turn over and over with pauses, on the spot or there and back.

    Returns:
        Full turns made so far, and the place along the way, 0 to 1; both (T,).
    """
    turn = cue.between(*duration)
    rest = cue.between(0, pause)
    laps = cue.seconds / (turn + rest) + cue.rng.random()
    lap = np.floor(laps)
    part = np.clip((laps - lap) * (turn + rest) / turn, 0, 1)
    if cue.chance(0.5):
        back_and_forth = np.where(lap % 2 == 0, part, 1 - part)
        return back_and_forth, back_and_forth
    return lap + part, 0.5 + 0 * part


def cartwheeling(cue: Cue, pose: Pose) -> None:
    """Turn sideways over the hands, arms and legs stretched."""
    side = cue.sign()
    turns, place = _rolling_turns(cue, (0.95, 1.5), 0.4)
    spread = np.sin(np.pi * (turns % 1)) ** 0.5
    legs = 8 + cue.between(30, 48) * spread
    pose.root_roll = -side * 360 * turns
    if cue.chance(0.7):
        pose.upper_arm, pose.forearm = (
            both(0, cue.between(140, 160)),
            both(0, cue.between(150, 168)),
        )
    else:
        pose.upper_arm, pose.forearm = both(0, 100 + 50 * spread), both(0, 110 + 50 * spread)
    pose.thigh, pose.shin = both(0, legs), both(0, legs)
    pose.contact = "lowest"
    pose.travel = stack(side * cue.between(0.1, 0.5) * (place - 0.5), 0, 0)


def somersaulting(cue: Cue, pose: Pose) -> None:
    """Roll over head and back, tucked."""
    turns, place = _rolling_turns(cue, (0.8, 1.35), 0.5)
    tuck = cue.between(0.8, 1)
    open_up = np.sin(np.pi * (turns % 1)) ** 0.4
    way = 1 if cue.chance(0.8) else -1
    pose.root_pitch = way * 360 * turns
    pose.torso_pitch, pose.head_pitch = 25 + 35 * open_up * tuck, 20 + 40 * open_up
    pose.thigh = both(70 + 50 * tuck + 10 * open_up, 8)
    pose.shin = both(-60 * tuck - 20 * open_up, 4)
    pose.upper_arm, pose.forearm = both(60, 12), both(40 + 20 * open_up, -5)
    pose.contact = "lowest"
    pose.travel = stack(0, 0, way * cue.between(0.1, 0.5) * (place - 0.5))
