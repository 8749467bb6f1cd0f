"""Writes the sample videos and, beside each, the truth about it.

Who acts where, in what clothes and in which order is written down here rather than drawn by
chance, so the videos are pleasant to look at; how each action is performed still comes from a
seed. None of these figures, places or performances is in any training clip.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from figures.actions import find_action
from figures.body import Body
from figures.drawing import Colour
from figures.rendering import render_in_parts
from figures.shots import Camera, Film, Look, Shot, Take

TIME_BASE = Fraction(1, 90_000)
"""The usual clock of video; every frame rate used here divides it."""
BT709 = 1
"""Code point of BT.709 primaries and transfer in ITU-T H.273."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleVideo:
    """The plan of one sample video."""

    name: str
    """File name; its ending chooses the container."""
    size: tuple[int, int]
    """Width and height as seen."""
    rate: Fraction
    """Frames a second; if irregular, of what `frame_ticks` starts from."""
    place: str
    actions: tuple[tuple[str, float], ...]
    """Label and length in seconds of each part."""
    look: Look
    seed: int
    """Of how the actions are performed and where the camera drifts."""
    place_seed: int
    irregular: bool = False
    """Whether the time between frames varies."""
    on_its_side: bool = False
    """Whether the pixels are stored lying and turned upright by metadata."""
    girth: float = 1.0
    scale: float = 0.58
    """Size of a body height in shorter edges of the picture."""
    aim: float = 0.56
    """Height at which the camera looks, in body heights."""

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return sum(seconds for _, seconds in self.actions)

    def segments(self) -> list[dict[str, float | str]]:
        """Return the truth as it is written beside the video."""
        parts: list[dict[str, float | str]] = []
        start = 0.0
        for label, seconds in self.actions:
            end = round(start + seconds, 3)
            parts.append({"start_seconds": start, "end_seconds": end, "label": label})
            start = end
        return parts


def _rgb(code: str) -> Colour:
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def _look(skin: str, clothes: tuple[str, str, str], hair: str, **style: bool) -> Look:
    shirt, trousers, shoes = clothes
    return Look(
        skin=_rgb(skin),
        shirt=_rgb(shirt),
        trousers=_rgb(trousers),
        shoes=_rgb(shoes),
        hair=_rgb(hair),
        props=(_rgb("3d4450"), _rgb("e4572e"), _rgb("b23a48"), _rgb("e8833a")),
        light=(-0.13, -0.2),
        **style,
    )


SAMPLES = (
    SampleVideo(
        name="gym_session.mp4",
        size=(1280, 720),
        rate=Fraction(30),
        place="gym",
        actions=(
            ("doing aerobics", 6.0),
            ("squat", 6.2),
            ("push up", 6.0),
            ("pull ups", 5.8),
        ),
        look=_look("d9a066", ("2a9d8f", "264653", "f4a261"), "3b2a1e", shorts=True),
        seed=11,
        place_seed=11,
        scale=0.54,
        aim=0.68,
    ),
    SampleVideo(
        name="park_workout.mp4",
        size=(960, 540),
        rate=Fraction(25),
        place="park",
        actions=(
            ("jogging", 6.0),
            ("lunge", 6.0),
            ("skipping rope", 5.2),
            ("cartwheeling", 4.8),
        ),
        look=_look("f1c27d", ("e76f51", "2b2d42", "ffffff"), "6b3e26", long_hair=True),
        seed=12,
        place_seed=12,
    ),
    SampleVideo(
        name="stage_show.webm",
        size=(848, 480),
        rate=Fraction(24),
        place="studio",
        actions=(
            ("headbanging", 5.0),
            ("hula hooping", 6.0),
            ("high kick", 5.0),
            ("clapping", 4.0),
        ),
        look=_look("8d5524", ("ffd166", "5f0f40", "ef476f"), "1b1b1e", long_sleeves=True),
        seed=13,
        place_seed=26,
        girth=1.1,
    ),
    SampleVideo(
        name="beach_phone.mp4",
        size=(540, 960),
        rate=Fraction(30_000, 1_001),
        place="beach",
        actions=(("exercising arm", 6.0), ("situp", 6.0), ("side kick", 6.0)),
        look=_look("c68642", ("06d6a0", "073b4c", "ffd166"), "2f1b12", shorts=True),
        seed=14,
        place_seed=48,
        on_its_side=True,
    ),
    SampleVideo(
        name="rooftop_boxing.mp4",
        size=(1024, 576),
        rate=Fraction(30),
        place="city",
        actions=(
            ("punching bag", 6.0),
            ("dribbling basketball", 6.0),
            ("pumping fist", 4.0),
            ("marching", 6.0),
        ),
        look=_look("e0ac69", ("f94144", "4d5bae", "f8f9fa"), "22223b", long_sleeves=True),
        seed=15,
        place_seed=20,
        irregular=True,
        girth=1.05,
    ),
    SampleVideo(
        name="mountain_morning.mp4",
        size=(640, 360),
        rate=Fraction(50),
        place="mountains",
        actions=(("tai chi", 8.0), ("deadlifting", 6.0), ("somersaulting", 5.0)),
        look=_look("ffdbac", ("9b5de5", "3a506b", "f15bb5"), "7f4f24", long_hair=True),
        seed=16,
        place_seed=21,
    ),
)


def make_shot(sample: SampleVideo) -> Shot:
    """Turn a plan into a shot: one figure, one place, a nearly steady camera."""
    rng = np.random.default_rng([sample.seed, 5])
    takes, start = [], 0.0
    for label, seconds in sample.actions:
        # The middle of what the action allows, a little to one side: a view without surprises.
        low, high = find_action(label).yaw
        yaw = (low + high) / 2 + (high - low) * rng.uniform(-0.25, 0.25)
        seed = int(rng.integers(2**31))
        takes.append(
            Take(
                label=label,
                start_seconds=start,
                end_seconds=start + seconds,
                yaw=yaw,
                mirrored=bool(rng.random() < 0.5),
                seed=seed,
            )
        )
        start += seconds
    body = Body(
        thigh=0.24,
        shin=0.236,
        torso=0.28,
        upper_arm=0.163,
        forearm=0.16,
        shoulder_half_width=0.108,
        hip_half_width=0.06,
        head_radius=0.078,
        neck=0.048,
        girth=sample.girth,
    )
    return Shot(
        size=sample.size,
        body=body,
        look=sample.look,
        camera=Camera(
            scale=sample.scale,
            aim=sample.aim,
            elevation=7.0,
            shake=0.0015,
            pan=(0.025, 0.0),
            seed=sample.seed,
        ),
        film=Film(gain=1.03, place_blur=0.0025, seed=sample.seed),
        place=sample.place,
        place_seed=sample.place_seed,
        takes=tuple(takes),
        blend_seconds=0.45,
    )


def frame_ticks(sample: SampleVideo) -> list[int]:
    """Return when each frame is shown, in ticks of `TIME_BASE`, and the end of the last.

    An irregular video dwells on each frame between half and twice the time that its rate asks for.
    """
    end = round(sample.duration / TIME_BASE)
    dwell = float(1 / sample.rate / TIME_BASE)
    rng = np.random.default_rng([sample.seed, 6])
    if not sample.irregular:
        count = round(sample.duration * sample.rate)
        return [round(i * dwell) for i in range(count + 1)]
    ticks = [0]
    while ticks[-1] < end:
        ticks.append(ticks[-1] + round(dwell * float(rng.uniform(0.5, 2.0))))
    return [*ticks[:-1], end]


def write_sample(sample: SampleVideo, folder: Path) -> tuple[Path, Path]:
    """Render and encode one video and write its truth beside it.

    Args:
        sample: the plan.
        folder: receives the two files.

    Returns:
        The video's path and the truth's.
    """
    video = folder / sample.name
    ticks = frame_ticks(sample)
    seconds = np.array(ticks[:-1]) * float(TIME_BASE)
    with av.open(str(video), "w", options=_container_options(video)) as container:
        stream = _add_stream(container, sample)
        for index, pixels in enumerate(_frames(sample, seconds)):
            if sample.on_its_side:
                pixels = np.ascontiguousarray(np.rot90(pixels, k=-1))
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts, frame.time_base = ticks[index], TIME_BASE
            frame.duration = ticks[index + 1] - ticks[index]
            frame.pict_type = 0  # the encoder chooses; a kind left over would be obeyed
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    truth = video.with_suffix(".json")
    truth.write_text(json.dumps({"segments": sample.segments()}, indent=2) + "\n", encoding="utf-8")
    return video, truth


def _frames(
    sample: SampleVideo, seconds: npt.NDArray[np.float64]
) -> Iterator[npt.NDArray[np.uint8]]:
    for part in render_in_parts(make_shot(sample), seconds):
        yield from part.frames


def _container_options(video: Path) -> dict[str, str]:
    return {"movflags": "+faststart"} if video.suffix == ".mp4" else {}


def _add_stream(container: av.container.OutputContainer, sample: SampleVideo) -> av.VideoStream:
    vp9 = sample.name.endswith(".webm")
    options = (
        {"crf": "31", "b": "0", "deadline": "good", "cpu-used": "3", "row-mt": "1"}
        if vp9
        else {"crf": "21", "preset": "slow"}
    )
    stream = container.add_stream("libvpx-vp9" if vp9 else "libx264", sample.rate, options=options)
    width, height = sample.size[::-1] if sample.on_its_side else sample.size
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = TIME_BASE
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = ColorRange.MPEG
    if sample.on_its_side:
        stream.set_display_rotation(90)
    return stream
