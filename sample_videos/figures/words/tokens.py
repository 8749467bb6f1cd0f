"""The tokenizer: CLIP's kind, with a small vocabulary made from the captions' words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from tokenizers import pre_tokenizers
from torch import Tensor
from transformers import CLIPTokenizer

from figures.words.captions import vocabulary

MAX_TOKENS = 40
START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
Pair = tuple[str, str]


def build_tokenizer() -> CLIPTokenizer:
    """Make the byte pairs of the captions' words into a tokenizer, each word into one token.

    X-CLIP's text tower takes its answer from the token with the highest id, so that the end comes
    last in the vocabulary.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = learn_merges(vocabulary())
    pieces = [*letters, *(letter + WORD_END for letter in letters)]
    pieces += [first + second for first, second in merges]
    pieces += [START, END]
    return CLIPTokenizer(
        vocab={piece: index for index, piece in enumerate(dict.fromkeys(pieces))},
        merges=merges,  # type: ignore[arg-type]
        model_max_length=MAX_TOKENS,
    )


def learn_merges(texts: Iterable[str]) -> list[Pair]:
    """Merge the commonest pair of pieces again and again, until every word is one piece.

    The `tokenizers` library's own trainer breaks ties by the order of a hash table, which differs
    from run to run; here they are broken by the alphabet.
    """
    counts = Counter(word for text in texts for word in text.split())
    words = {word: [*word[:-1], word[-1] + WORD_END] for word in sorted(counts)}
    merges: list[Pair] = []
    while pairs := _count_pairs(words, counts):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for pieces in words.values():
            for i in range(len(pieces) - 2, -1, -1):
                if tuple(pieces[i : i + 2]) == best:
                    pieces[i : i + 2] = ["".join(best)]
    return merges


def _count_pairs(words: dict[str, list[str]], counts: Counter[str]) -> Counter[Pair]:
    pairs: Counter[Pair] = Counter()
    for word, pieces in words.items():
        for first, second in pairwise(pieces):
            pairs[first, second] += counts[word]
    return pairs


def encode(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return (K, L) token ids and their mask, as short as the longest text allows."""
    encoded = tokenizer(
        list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    ids: Tensor = encoded["input_ids"]
    mask: Tensor = encoded["attention_mask"]
    return ids, mask.to(torch.int64)
