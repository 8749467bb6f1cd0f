"""The labels of the demo model, who performs each of them, and what else a clip may show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from figures.body import Pose
from figures.performing import Cue

from . import exercises, novelties, others, pastimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One label: who poses it and from where it is best seen."""

    label: str
    """Of an action of the demo model: its exact Kinetics-400 name."""
    perform: Callable[[Cue, Pose], None]
    yaw: tuple[float, float]
    """Degrees by which the figure may be turned away from the viewer."""
    framing: Literal["full", "tall", "low", "any"]
    """How close the camera may come; "any" allows a half-length view."""


ACTIONS = (
    Action(label="squat", perform=exercises.squat, yaw=(-80, 80), framing="full"),
    Action(label="lunge", perform=exercises.lunge, yaw=(40, 100), framing="full"),
    Action(label="push up", perform=exercises.push_up, yaw=(50, 110), framing="low"),
    Action(label="situp", perform=exercises.situp, yaw=(50, 110), framing="low"),
    Action(label="pull ups", perform=exercises.pull_ups, yaw=(-45, 45), framing="tall"),
    Action(label="cartwheeling", perform=exercises.cartwheeling, yaw=(-25, 25), framing="tall"),
    Action(label="somersaulting", perform=exercises.somersaulting, yaw=(60, 110), framing="low"),
    Action(label="skipping rope", perform=exercises.skipping_rope, yaw=(-60, 60), framing="full"),
    Action(label="doing aerobics", perform=exercises.doing_aerobics, yaw=(-40, 40), framing="full"),
    Action(label="jogging", perform=pastimes.jogging, yaw=(40, 100), framing="full"),
    Action(label="marching", perform=pastimes.marching, yaw=(30, 100), framing="full"),
    Action(label="high kick", perform=pastimes.high_kick, yaw=(40, 95), framing="full"),
    Action(label="side kick", perform=pastimes.side_kick, yaw=(-30, 30), framing="full"),
    Action(label="clapping", perform=pastimes.clapping, yaw=(-60, 60), framing="any"),
    Action(label="exercising arm", perform=exercises.exercising_arm, yaw=(-50, 50), framing="any"),
    Action(label="pumping fist", perform=pastimes.pumping_fist, yaw=(-60, 60), framing="any"),
    Action(label="tai chi", perform=pastimes.tai_chi, yaw=(-60, 60), framing="any"),
    Action(label="headbanging", perform=pastimes.headbanging, yaw=(-80, 80), framing="any"),
    Action(label="hula hooping", perform=pastimes.hula_hooping, yaw=(-60, 60), framing="full"),
    Action(
        label="dribbling basketball",
        perform=pastimes.dribbling_basketball,
        yaw=(-60, 60),
        framing="full",
    ),
    Action(label="deadlifting", perform=exercises.deadlifting, yaw=(-50, 50), framing="full"),
    Action(label="punching bag", perform=pastimes.punching_bag, yaw=(45, 100), framing="full"),
)
"""Every action of the demo model, in the order of its labels."""

LABELS = tuple(action.label for action in ACTIONS)

STANDING, EMPTY = "standing", "empty"
"""What clips show in which nothing happens: a figure that stands still, a place without one."""
OTHERS = (
    Action(label=STANDING, perform=others.standing, yaw=(-100, 100), framing="any"),
    Action(label="waving", perform=others.waving, yaw=(-50, 50), framing="any"),
    Action(label="bowing", perform=others.bowing, yaw=(-90, 90), framing="full"),
)
UNSEEN = ("waving", "bowing")
"""Actions that no model is trained on: they are kept for tests of what a model can't know."""
NOVELTIES = (
    Action(label="sweeping floor", perform=novelties.sweeping_floor, yaw=(-60, 60), framing="full"),
    Action(label="digging", perform=novelties.digging, yaw=(30, 100), framing="full"),
    Action(label="drinking", perform=novelties.drinking, yaw=(-60, 60), framing="any"),
    Action(label="throwing ball", perform=novelties.throwing_ball, yaw=(40, 100), framing="full"),
    Action(label="side bending", perform=novelties.side_bending, yaw=(-30, 30), framing="full"),
)
"""Actions of somebody's own, which no shipped model saw: `vidtag train` is measured with them."""
CLASSES = (*LABELS, STANDING, EMPTY, *UNSEEN, *(action.label for action in NOVELTIES))
"""Everything that a clip can be labelled with; a label's place is the same as in `LABELS`."""


def find_action(label: str) -> Action:
    """Return the action of a label; an empty place is played by a figure that isn't drawn."""
    known = (*ACTIONS, *OTHERS, *NOVELTIES)
    names = [action.label for action in known]
    return known[names.index(STANDING if label == EMPTY else label)]
