"""From sentences to a model's text space: tokens, the text tower, and what is kept of it."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtag.cache.texts import StoredText, TextStore
from vidtag.models.classifier import ClassifierInfo
from vidtag.models.config import ModelConfig
from vidtag.models.refusals import refuse, shortened
from vidtag.models.source import ModelFiles
from vidtag.models.words.background import Vectors, directions
from vidtag.models.words.engines import Towers

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MANY = 100
"""Sentences of which it is said that they are read; that many take a second or two."""


def read_texts(
    sentences: Sequence[str],
    *,
    files: ModelFiles,
    config: ModelConfig,
    facts: Mapping[str, str],
    towers: Towers,
    tell: Callable[[str], None] | None,
) -> dict[str, StoredText]:
    """Read sentences with the model's text tower, or take what an earlier run kept.

    Args:
        sentences: What to read.
        files: The model.
        config: What it is.
        facts: All that shapes how it reads; see `text_facts`.
        towers: The model.
        tell: Told in a line that many are read.

    Raises:
        ModelLoadError: The model's tokenizer can't be had, or the model fails.
    """
    with closing(TextStore(facts)) as store:
        known = store.find(sentences)
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in known]
        if not new:
            return known
        if len(new) >= _MANY and tell is not None:
            tell(f"reading {len(new)} phrases; they are kept for later runs")
        tokenizer = _load_tokenizer(files, store)
        read = {one: _read(one, tokenizer, config, files, towers) for one in new}
        store.save(read)
    return {**known, **read}


def text_facts(
    config: ModelConfig, info: ClassifierInfo, part: Mapping[str, str]
) -> dict[str, str]:
    """List all that shapes how a model reads a text.

    Args:
        config: The model.
        info: What runs it.
        part: What shapes it as it is converted: see `conversion_facts`.
    """
    # OpenVINO reads texts in single precision, whatever it sees videos in.
    precision = "fp32" if info.engine == "openvino" else info.precision
    return {
        **part,
        "engine": info.engine,
        "device": info.device.split(":")[0],
        "precision": precision,
        "max_tokens": str(config.max_tokens),
    }


def _load_tokenizer(files: ModelFiles, store: TextStore) -> "Tokenizer":
    """Load what splits texts: as transformers does it, or as an earlier run kept that."""
    from tokenizers import Tokenizer

    kept = store.tokenizer()
    try:
        if kept is not None:
            return Tokenizer.from_str(kept)
        tokenizer = _tokenizer_of_transformers(files)
        store.keep_tokenizer(tokenizer.to_str())
        return tokenizer
    # Of a file that is no tokenizer, the libraries raise whatever comes.
    except Exception as exc:
        raise refuse(
            files.name,
            "bad_tokenizer",
            f"its tokenizer can't be loaded ({type(exc).__name__}: {shortened(exc, 80)}); get "
            "tokenizer.json again",
        ) from exc


def _tokenizer_of_transformers(files: ModelFiles) -> "Tokenizer":
    """Let transformers put together what the files say with the rules of their class."""
    from transformers import AutoTokenizer

    from vidtag.models.torch_engine import quiet

    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Any = AutoTokenizer.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
    tokenizer: Tokenizer = found.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _read(
    sentence: str, tokenizer: "Tokenizer", config: ModelConfig, files: ModelFiles, towers: Towers
) -> StoredText:
    ids = read = tokenizer.encode(sentence).ids
    if len(ids) > config.max_tokens:  # what closes a text stays
        tokenizer.enable_truncation(config.max_tokens)
        read = tokenizer.encode(sentence).ids
        tokenizer.no_truncation()
    vocabulary = config.text.get("vocab_size")
    if not read or (isinstance(vocabulary, int) and max(read) >= vocabulary):
        raise refuse(
            files.name,
            "bad_tokenizer",
            f"its tokenizer makes of '{shortened(sentence, 60)}' what its text tower can't read; "
            "the tokenizer's files are another model's",
        )
    vector = towers.text(np.asarray([read], np.int64))[0]
    if not np.isfinite(vector).all():
        raise refuse(
            files.name,
            "bad_logits",
            "its text tower gave numbers that are not finite; its weights are damaged, or try "
            "--precision fp32",
        )
    return StoredText(num_tokens=len(ids), vector=vector)


def blend(vectors: Vectors) -> Vectors:
    """Make one text of several phrasings: the mean of their directions, as long as they are.

    Args:
        vectors: `(p, D)`.

    Returns:
        `(D,)`; of one phrasing, the bits that came.
    """
    if len(vectors) == 1:
        return np.asarray(vectors[0])
    mean = directions(vectors).mean(axis=0)
    length = np.linalg.norm(vectors.astype(np.float64), axis=1).mean()
    return np.asarray(mean / np.linalg.norm(mean) * length, np.float32)
