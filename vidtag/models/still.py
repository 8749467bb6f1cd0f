"""Patches of a clip that stand still, found in the pixels: a token for each run of equal patches.

Transformers for video cut a clip into tubes, a patch in space over a few frames each, and compute
all of them. Most footage stands still in most places, and there a patch repeats the one before it.
Here it counts once, with the length of its run (`run_lengths` weights it). NumPy alone.

Source: Choudhury et al. 2024, "Don't Look Twice: Faster Video Transformers with Run-Length
Tokenization" (arXiv 2411.05222), with a stricter rule: they compare the first frame of a tube with
the last one of the tube before it, which misses what begins within a tube and what creeps.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vidtag.clips.preparing import Preprocessing
from vidtag.models.config import ModelConfig

LEAST_STILL = 1 / 8
"""Share of the tokens that must be spared for it to be worth it: weighting tokens costs a tenth of
the time of a full window (VideoMAE-base on OpenVINO), so the exact model runs on all others."""

LEAST_TOKENS = 1 / 4
"""Share of the tokens that is computed at least: those that changed most, and of a still clip two
in each place, in the middle of its halves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tokens:
    """The tokens of a clip that are computed."""

    index: npt.NDArray[np.int64]
    """`(n,)` int64, rising: their places among all tokens."""

    lengths: npt.NDArray[np.float32]
    """`(n,)` float32: how many tokens each stands for; their sum is that of all tokens."""

    still_share: float
    """Share of the patches that stand still and are not computed, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillRule:
    """When a patch stands still: its tube is that which was last computed in its place.

    The mean difference of their normalised pixels, frame by frame, stays below the threshold. So
    what begins within a tube is seen, and what creeps, and a tube that held motion stands for
    itself alone. Each place is computed at least once, whatever it shows.

    Of a run the tube in its middle is computed. The first one, as in the paper, lies at the run's
    edge in time and changes scores by half as much again (demo model, samples: mean change 0.0177
    in place of 0.0113, the largest 0.17 in place of 0.10); the mean of their embeddings by more.
    """

    threshold: float
    """In units of normalised pixels."""

    tube: tuple[int, int, int]
    """Frames, rows and columns of a token."""

    num_leading: int
    """Tokens before those of patches, such as a class token; they are always computed."""

    pools_first: bool = False
    """Whether what the model says is read from the first patch's token."""

    std: tuple[float, float, float]
    """What the model divides pixels by, in levels of 0 to 255."""

    def find(self, clip: npt.NDArray[np.uint8]) -> Tokens:
        """Find the tokens of a clip that have to be computed.

        Args:
            clip: `(T, S, S, 3)` uint8, as it is prepared.
        """
        frames, height, width = self.tube
        times, rows, columns = len(clip) // frames, clip.shape[1] // height, clip.shape[2] // width
        used = clip[: times * frames, : rows * height, : columns * width]
        tubes = used.reshape(times, frames, rows, height, columns, width * 3)
        # Levels of a whole tube fit into 32 bits, so all but the last mean is exact.
        weights = np.tile(1 / np.array(self.std), width) / (frames * height * width * 3)
        changes = np.full((times, rows, columns), np.inf)
        last = tubes[0].copy()
        for time in range(1, times):
            tube = tubes[time]
            levels = (np.maximum(tube, last) - np.minimum(tube, last)).sum(
                axis=(0, 2), dtype=np.uint32
            )
            changes[time] = levels @ weights
            is_new = changes[time] >= self.threshold
            if is_new.all():
                last[:] = tube
            else:
                for row, column in np.argwhere(is_new):
                    last[:, row, :, column] = tube[:, row, :, column]
        if self.pools_first and times > 1:
            changes[1, 0, 0] = np.inf  # so that the token before it stands for itself alone
        is_computed = (changes >= self.threshold).reshape(times, -1)
        return self._tokens(_with_floor(is_computed, changes.reshape(times, -1)))

    def _tokens(self, is_computed: npt.NDArray[np.bool_]) -> Tokens:
        """Take for each run the tube in its middle, which is nearest to all of them in time."""
        num_places = is_computed.shape[1]
        lengths = np.zeros(is_computed.shape, np.int64)
        run = np.zeros(num_places, np.int64)
        for time in reversed(range(len(is_computed))):
            run += 1
            lengths[time] = np.where(is_computed[time], run, 0)
            run[is_computed[time]] = 0
        first = np.flatnonzero(is_computed)
        own = lengths.ravel()[first]
        middle = first + (own - 1) // 2 * num_places
        order = np.argsort(middle)
        leading = np.arange(self.num_leading)
        return Tokens(
            index=np.concatenate([leading, middle[order] + self.num_leading]),
            lengths=np.concatenate([np.ones_like(leading), own[order]]).astype(np.float32),
            still_share=1 - len(first) / is_computed.size,
        )


def _with_floor(
    is_computed: npt.NDArray[np.bool_], changes: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Compute also the most changed of the other patches, up to `LEAST_TOKENS`."""
    least = int(np.ceil(is_computed.size * LEAST_TOKENS))
    if np.count_nonzero(is_computed) >= least:
        return is_computed
    # What changed alike is taken from the middle outwards: a still clip in halves.
    times, places = np.indices(changes.shape).reshape(2, -1)
    order = np.lexsort((places, np.abs(times - len(changes) // 2), -changes.ravel()))
    most_changed = order[:least]
    filled = np.zeros(is_computed.size, np.bool_)
    filled[most_changed] = True
    return is_computed | filled.reshape(is_computed.shape)


def still_rule(config: ModelConfig, preprocessing: Preprocessing) -> StillRule | None:
    """Make the rule that suits a model.

    Returns:
        `None` where its architecture can't leave tokens out.
    """
    threshold = config.still_threshold
    if threshold is None:
        return None
    values = config.vision
    tube, patch = values.get("tubelet_size", 2), values.get("patch_size", 16)
    sides = (tube, patch, patch) if not isinstance(tube, list) else tuple(tube)
    _, std = preprocessing.level_affine()
    return StillRule(
        threshold=threshold,
        tube=(int(sides[0]), int(sides[1]), int(sides[2])),
        num_leading=config.kind.num_leading_tokens,
        pools_first=config.architecture == "videomae" and not values.get("use_mean_pooling", True),
        std=std,
    )
