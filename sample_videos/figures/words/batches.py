"""What one training step sees: pictures or clips, sentences, and which of them fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from figures.actions import CLASSES
from figures.batches import (
    GRID,
    JOINT_KINDS,
    KIND_OF_JOINT,
    PATCH,
    Recipe,
    draw_light,
    relight,
    step_indices,
    vary,
)
from figures.body import TRACKED_JOINTS
from figures.dataset import IMAGE_SIZE, NUM_FRAMES, Pool
from figures.scenery import PLACES as DRAWN_PLACES
from figures.words.captions import (
    ENTRIES,
    colour_name,
    draw_clothes,
    draw_place,
    group_wording,
    sentence,
)
from figures.words.clips import CYCLE, NOTHING
from figures.words.other_phrases import (
    GROUPS,
    NOTHING_HAPPENS,
    NOTHING_PHRASES,
    PLACES,
)
from figures.words.phrases import Wording
from figures.words.tokens import encode

Rng = np.random.Generator
FloatArray = npt.NDArray[np.float32]

GROUP_CAPTIONS = PLACE_CAPTIONS = CLOTHES_CAPTIONS = 8
SHARED_SETTING_SHARE = 0.4
"""How often all of a step's second captions end in the same clothes or place, true or not."""
TRUE_PLACE_SHARE = 0.6
ALL_GROUPS: dict[str, tuple[str, ...]] = {**GROUPS, **dict.fromkeys(NOTHING_HAPPENS, NOTHING)}


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTargets:
    """What the renderer knows about every picture; velocities are per frame."""

    patches: Tensor
    """(B, T, patches, kinds, 5): presence, offset from the middle and velocity, in patches and
    quarters of a patch."""
    places: Tensor
    """(B, T, 13 * 4): place and velocity of each joint, in quarters of the picture; of each pair
    the left one in the picture comes first."""
    visible: Tensor
    """(B, T): whether a figure is there at all."""


def joint_targets(joints: FloatArray) -> JointTargets:
    """Prepare the answers for (B, T, 13, 2) pixels."""
    batch, frames = joints.shape[:2]
    still = frames == 1
    velocity = np.zeros_like(joints) if still else np.gradient(joints, axis=1)
    place = joints / PATCH
    cell = np.floor(place).astype(int)
    b, t, j = np.nonzero(((cell >= 0) & (cell < GRID)).all(-1))
    x, y = cell[b, t, j].T
    patches = np.zeros((batch, frames, GRID, GRID, len(JOINT_KINDS), 5), np.float32)
    kind = KIND_OF_JOINT[j]
    patches[b, t, y, x, kind, 0] = 1
    patches[b, t, y, x, kind, 1:3] = place[b, t, j] - cell[b, t, j] - 0.5
    patches[b, t, y, x, kind, 3:5] = np.clip(velocity[b, t, j] / 4, -3, 3)
    middle, unit = IMAGE_SIZE / 2, IMAGE_SIZE / 4
    places = np.concatenate([(joints - middle) / unit, velocity * 6 / unit], -1)
    for left in range(1, len(TRACKED_JOINTS), 2):
        pair = places[:, :, left : left + 2]
        swapped = pair[:, :, 0, 0] > pair[:, :, 1, 0]
        pair[swapped] = pair[swapped][:, ::-1]
    return JointTargets(
        patches=torch.from_numpy(patches.reshape(batch, frames, -1, len(JOINT_KINDS), 5)),
        places=torch.from_numpy(np.clip(places.reshape(batch, frames, -1), -4, 4)),
        visible=torch.from_numpy((joints[..., 1] > -2 * IMAGE_SIZE).all(-1)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBatch:
    """Single pictures of as many clips."""

    pixels: Tensor
    """(B, 1, 3, 96, 96) float32, normalised."""
    joints: JointTargets
    labels: Tensor
    """(B,) the class that each picture shows."""


def make_picture_batch(pool: Pool, recipe: Recipe, step: int) -> PictureBatch:
    """Choose and vary one picture each of the clips of one step."""
    indices = step_indices(len(pool), recipe, step)
    rng = np.random.default_rng([recipe.seed, 5, step])
    times = rng.integers(0, NUM_FRAMES, len(indices))
    joints = pool.joints[indices, times][:, None].astype(np.float32)
    varied = np.empty((len(indices), 1, 3, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for i, (index, time) in enumerate(zip(indices, times, strict=True)):
        vary(rng, pool.frames[index, time : time + 1], joints[i], varied[i])
    first = (times + 0.5) / NUM_FRAMES < pool.first_share[indices]
    return PictureBatch(
        pixels=relight(torch.from_numpy(varied), draw_light(rng, len(indices))),
        joints=joint_targets(joints),
        labels=torch.from_numpy(np.where(first, *pool.labels[indices].T)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipBatch:
    """Clips and sentences."""

    pixels: Tensor
    """(B, 16, 3, 96, 96) float32, normalised."""
    joints: JointTargets
    shares: Tensor
    """(B, classes) how much of a clip shows each class."""
    ids: Tensor
    """(K, L): two sentences of every class, then some that are true of several or of a few."""
    mask: Tensor
    truth: Tensor
    """(B, K) how much of each sentence is true of each clip."""
    asked: Tensor
    """(K,) whether a sentence takes part in the comparison of all of them."""


def make_clip_batch(pool: Pool, tokenizer: CLIPTokenizer, recipe: Recipe, step: int) -> ClipBatch:
    """Choose and vary the clips of one step and say something about them."""
    indices = np.sort(step_indices(len(pool), recipe, step))
    rng = np.random.default_rng([recipe.seed, 6, step])
    frames, joints = pool.frames[indices], pool.joints[indices].astype(np.float32)
    varied = np.empty((len(indices), NUM_FRAMES, 3, IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    channels = np.stack([vary(rng, clip, joints[i], varied[i]) for i, clip in enumerate(frames)])
    light = draw_light(rng, len(indices))
    settings = pool.settings[indices].copy()
    for part in (slice(1, 4), slice(4, 7)):
        colours = np.take_along_axis(settings[:, part], channels, 1)
        settings[:, part] = np.clip(colours * light.gain + light.offset, 0, 1)
    shares = class_shares(pool, indices)
    said = _say(rng, shares, settings)
    ids, mask = encode(tokenizer, said.texts)
    return ClipBatch(
        pixels=relight(torch.from_numpy(varied), light),
        joints=joint_targets(joints),
        shares=torch.from_numpy(shares),
        ids=ids,
        mask=mask,
        truth=torch.from_numpy(np.stack(said.truth, 1)),
        asked=torch.tensor(said.asked),
    )


def class_shares(pool: Pool, indices: npt.NDArray[np.int64]) -> FloatArray:
    """Return (B, classes): how much of each clip shows each class."""
    shares = np.zeros((len(indices), CYCLE), np.float32)
    labels, first = pool.labels[indices], pool.first_share[indices]
    rows = np.arange(len(indices))
    shares[rows, labels[:, 0]] += first
    shares[rows, labels[:, 1]] += 1 - first
    return shares


class _Said:
    """Sentences with the share in which they are true of every clip."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.truth: list[FloatArray] = []
        self.asked: list[bool] = []

    def add(self, text: str, truth: FloatArray, *, asked: bool = True) -> None:
        self.texts.append(text)
        self.truth.append(truth.astype(np.float32))
        self.asked.append(asked)


def _say(rng: Rng, shares: FloatArray, settings: FloatArray) -> _Said:
    said = _Said()
    for number in range(2):
        shared = ""
        if number and rng.random() < SHARED_SETTING_SHARE:
            shared = _any_setting(rng)
        for index, entry in enumerate(ENTRIES):
            said.add(_about(rng, index, entry, shared), shares[:, index], asked=not shared)
    names = list(ALL_GROUPS)
    for number in rng.choice(len(names), GROUP_CAPTIONS, replace=False):
        members = [CLASSES.index(label) for label in ALL_GROUPS[names[number]]]
        text = sentence(rng, group_wording(names[number]))
        said.add(text, shares[:, members].sum(1))
    places = [list(DRAWN_PLACES)[int(setting[0])] for setting in settings]
    known = [i for i, place in enumerate(places) if place in PLACES]
    for i in rng.permutation(known)[:PLACE_CAPTIONS]:
        true = rng.random() < TRUE_PLACE_SHARE
        place = places[i] if true else str(rng.choice(list(PLACES)))
        fits = np.array([place == other for other in places])
        index = int(shares[i].argmax())
        text = sentence(rng, ENTRIES[index], draw_place(rng, place))
        said.add(text, shares[:, index] * fits)
    for i in rng.permutation(len(shares))[:CLOTHES_CAPTIONS]:
        index = int(shares[i].argmax())
        clothes = _any_clothes(rng, settings[i])
        fits = np.array([wears(setting, clothes) for setting in settings])
        said.add(sentence(rng, ENTRIES[index], clothes), shares[:, index] * fits)
    return said


def _about(rng: Rng, index: int, entry: Wording, setting: str) -> str:
    if CLASSES[index] in NOTHING and rng.random() < 0.25:
        # What the background of a search says, as it says it: four phrases are of one class.
        own = NOTHING_PHRASES[:2] if CLASSES[index] == NOTHING[0] else NOTHING_PHRASES[2:4]
        return f"{own[int(rng.integers(2))]} {setting}".strip()
    return sentence(rng, entry, setting)


def _any_setting(rng: Rng) -> str:
    if rng.random() < 0.5:
        return draw_clothes(rng)
    return draw_place(rng, str(rng.choice(list(PLACES))))


def _any_clothes(rng: Rng, setting: FloatArray) -> str:
    """Draw a phrase for clothes, more often one that fits than chance would."""
    for _ in range(6):
        text = draw_clothes(rng)
        if wears(setting, text):
            break
    return text


def wears(setting: FloatArray, clothes: str) -> bool:
    """Tell whether a phrase for clothes or hair is true in a setting."""
    words: Sequence[str] = clothes.split()
    if words[-1] == "hair":
        return bool(setting[8]) == (words[1] == "long")
    if words[-1] == "shorts":
        return bool(setting[7])
    if words[1] == "long":
        return not setting[7]
    colour = setting[1:4] if words[-1] == "shirt" else setting[4:7]
    return colour_name(colour) == words[-2]
