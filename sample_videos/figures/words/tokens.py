"""The tokenizer: CLIP's kind, with a small vocabulary made from the captions' words."""

import json
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from transformers import CLIPTokenizer

from figures.words.captions import vocabulary

MAX_TOKENS = 40
START, END = "<|startoftext|>", "<|endoftext|>"


def build_tokenizer() -> CLIPTokenizer:
    """Make the byte pairs of the captions' words into a tokenizer.

    X-CLIP's text tower takes its answer from the token with the highest id, so that the end comes
    last in the vocabulary.
    """
    suffix = "</w>"
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner = Tokenizer(models.BPE(end_of_word_suffix=suffix, unk_token=END))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = CLIPTokenizer().backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=1400,
        min_frequency=1,
        end_of_word_suffix=suffix,
        initial_alphabet=alphabet,
        special_tokens=[],
        show_progress=False,
    )
    learner.train_from_iterator(vocabulary(), trainer)
    learnt = json.loads(learner.to_str())["model"]
    pieces = sorted(learnt["vocab"], key=learnt["vocab"].get)
    pieces += [letter + suffix for letter in sorted(alphabet) if letter + suffix not in pieces]
    pieces += [START, END]
    return CLIPTokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)},
        merges=[tuple(pair) for pair in learnt["merges"]],  # type: ignore[misc]
        model_max_length=MAX_TOKENS,
    )


def encode(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return (K, L) token ids and their mask, as short as the longest text allows."""
    encoded = tokenizer(
        list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    ids: Tensor = encoded["input_ids"]
    mask: Tensor = encoded["attention_mask"]
    return ids, mask.to(torch.int64)
