"""Asks a video-text model what clips show."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from transformers import CLIPTokenizer, XCLIPModel

from figures.actions import LABELS
from figures.batches import normalise
from figures.words.captions import asked_phrases
from figures.words.network import Seen, match, read, see
from figures.words.phrases import WORDINGS
from figures.words.tokens import encode

Frames = npt.NDArray[np.uint8]
Logits = npt.NDArray[np.float32]
BATCH = 20

TRAINED_SETS = tuple(zip(*(asked_phrases(label) for label in LABELS), strict=True))
"""Five sets of 22 trained phrasings, one for each action."""
HELD_OUT_SETS = tuple(zip(*(WORDINGS[label].held_out for label in LABELS), strict=True))
"""Three sets of 22 sentences that were never trained on."""


def ask(
    model: XCLIPModel,
    tokenizer: CLIPTokenizer,
    clips: Sequence[Frames] | Frames,
    texts: Sequence[str],
) -> Logits:
    """Return the (N, K) logits of K texts for N clips (16, 96, 96, 3)."""
    parts = []
    with torch.no_grad():
        asked = read(model, *encode(tokenizer, texts))
        for first in range(0, len(clips), BATCH):
            seen = look(model, clips[first : first + BATCH])
            parts.append(match(model, seen, asked).numpy())
    return np.concatenate(parts)


@torch.no_grad()
def look(model: XCLIPModel, clips: Sequence[Frames] | Frames) -> Seen:
    """Run the video's part of a model on clips (N, 16, 96, 96, 3)."""
    return see(model, normalise(np.stack(list(clips))))


def share_right(logits: Logits, truth: npt.NDArray[np.int64]) -> float:
    """Return how often the best of some texts is the right one, which are in the labels' order."""
    return float((logits.argmax(1) == truth).mean())


def quick_look(
    model: XCLIPModel, tokenizer: CLIPTokenizer, clips: Frames, truth: npt.NDArray[np.int64]
) -> tuple[float, float]:
    """Return the shares of clips named right in trained phrasings and held-out sentences."""
    sets = (*TRAINED_SETS, *HELD_OUT_SETS)
    logits = ask(model, tokenizer, clips, [text for chosen in sets for text in chosen])
    each = np.split(logits, len(sets), axis=1)
    right = [share_right(part, truth) for part in each]
    return float(np.mean(right[: len(TRAINED_SETS)])), float(np.mean(right[len(TRAINED_SETS) :]))
