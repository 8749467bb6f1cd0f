"""What a shot is made of: clothes, camera, film, and who does what when. Plain values."""

from dataclasses import dataclass

from figures.body import Body, Prop
from figures.drawing import Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Colours and clothes of one figure, and of the things it uses."""

    skin: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    hair: Colour
    props: tuple[Colour, Colour, Colour, Colour]
    long_hair: bool = False
    long_sleeves: bool = False
    shorts: bool = False
    outline: float = 0.0
    light: tuple[float, float] = (-0.12, -0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Where the camera stands and how steady it is; lengths in the picture's shorter edge."""

    scale: float
    """Size of one body height."""
    aim: float
    """Height above the ground, in body heights, that the camera looks at."""
    offset: tuple[float, float] = (0.0, 0.0)
    elevation: float = 6.0
    """Degrees by which it looks down."""
    shake: float = 0.0
    pan: tuple[float, float] = (0.0, 0.0)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What the recording adds: exposure, flicker, grain, softness."""

    gain: float = 1.0
    gamma: float = 1.0
    flicker: float = 0.0
    grain: float = 0.0
    place_blur: float = 0.0
    """Radius of the blur behind the figure, in shorter edges."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One action, from one time to another."""

    label: str
    start_seconds: float
    end_seconds: float
    yaw: float
    """Degrees by which the figure is turned to its left or right."""
    mirrored: bool
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Everything that decides on the pixels of one clip."""

    size: tuple[int, int]
    """Width and height in pixels."""
    body: Body
    look: Look
    camera: Camera
    film: Film
    place: str
    place_seed: int
    takes: tuple[Take, ...]
    """In order, without gaps."""
    blend_seconds: float = 0.0
    """How long the change from one take to the next lasts; its middle is the boundary."""
    bystanders: tuple[Prop, ...] = ()
    """Things that lie or stand about, unused; points of shape (1, 3)."""
    empty: bool = False
    """Whether the figure is left out, so that nobody is there."""
