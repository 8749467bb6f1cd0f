"""What every movement is made of: a cue with the time and some luck, and a few shapes of time.

Each action draws its own tempo, reach and style from the clip's random generator, so that no two
performances are alike, and none depends on anything but the time since it began: the same
performance can be sampled at any frame rate, in one piece or in several. Rates stay below 3 Hz,
because the model sees 8 pictures a second.

Amplitudes and tempi of all actions were set by eye against what the exercises look like; they
follow no measurement of people.
"""

from dataclasses import dataclass

import numpy as np

from figures.body import Body, FloatArray, Pose, Swing

TAU = 2 * np.pi


@dataclass(frozen=True, slots=True)
class Cue:
    """What a performer needs to know: the time, its own body, and its own luck."""

    rng: np.random.Generator
    seconds: FloatArray
    """(T,) seconds since the action began."""
    body: Body

    def between(self, low: float, high: float) -> float:
        """Draw a number between two bounds."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Draw a yes or no."""
        return bool(self.rng.random() < probability)

    def sign(self) -> int:
        """Draw -1 or 1."""
        return -1 if self.chance(0.5) else 1

    def phase(self, low_hz: float, high_hz: float) -> FloatArray:
        """Draw a tempo and a start; return the (T,) phase in radians."""
        return TAU * (self.between(low_hz, high_hz) * self.seconds + self.rng.random())


def wave(phase: FloatArray) -> FloatArray:
    """Go smoothly from 0 to 1 and back once per turn of the phase."""
    return 0.5 - 0.5 * np.cos(phase)


def ease(x: FloatArray) -> FloatArray:
    """Go smoothly from 0 to 1 while x does (smoothstep)."""
    x = np.clip(x, 0, 1)
    eased: FloatArray = x * x * (3 - 2 * x)
    return eased


def both(flexion: Swing, abduction: Swing) -> list[tuple[Swing, Swing]]:
    """Give both limbs the same angles."""
    return [(flexion, abduction)] * 2


def rest_arms(cue: Cue, pose: Pose) -> None:
    """Put the arms somewhere they may stay: hanging, on the hips, in guard, bent, or in front."""
    style = cue.rng.integers(5)
    if style == 1:
        pose.upper_arm, pose.forearm = both(-15, 45), both(20, -40)
    elif style == 2:
        pose.upper_arm, pose.forearm = both(20, 14), both(cue.between(110, 140), -12)
    elif style == 3:
        pose.upper_arm = both(cue.between(-5, 15), cue.between(10, 30))
        pose.forearm = both(cue.between(20, 80), cue.between(0, 20))
    elif style == 4:
        pose.upper_arm = both(cue.between(50, 90), 5)
        pose.forearm = both(cue.between(70, 100), -5)
