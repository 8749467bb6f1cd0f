"""What comes of loading a model, in one line: tensors that are missing or unused, and errors.

Owns the reading of transformers' report and of what it and others raise, and the advice that
follows from the names of tensors. Imports neither torch nor transformers.
"""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidtag.errors import ModelError
from vidtag.models.config import ModelConfig
from vidtag.models.refusals import refuse, shortened
from vidtag.models.soundness import how_again, is_out_of_memory, unfit
from vidtag.models.source import ModelFiles
from vidtag.models.weights import INDEX_SUFFIX, count_outputs, find_weights, list_some

_WRAPPERS = (
    ("base_model.model.", "PEFT"),
    ("_orig_mod.", "torch.compile"),
    ("module.", "DataParallel"),
)
"""Prefixes with what puts them before the names of a model's tensors."""

_ADAPTED = ("lora_", ".base_layer.", "modules_to_save")
"""Parts of the names that PEFT gives while an adapter is not merged."""

_ROOTS = ("embeddings.", "encoder.", "layernorm.", "decoder.", "mask_token")
"""What the tensors of bare encoders and of pre-training begin with."""

_LAYER = re.compile(r"layers?\.\d+\.")
"""In the name of a tensor of one of many layers; each of them counts."""

_HEAD = re.compile(r"(\w*head|fc|cls|classifier\w*|logits)(\.\w+)*\.weight")
"""What others call the weights of a classifier's head."""


def check_report(files: ModelFiles, config: ModelConfig, report: Mapping[str, Any]) -> None:
    """Refuse weights that transformers filled up with random numbers, or used in part.

    Args:
        files: The model.
        config: What it should be.
        report: Transformers' `output_loading_info`.
    """
    missing = sorted(str(key) for key in report.get("missing_keys", ()))
    unexpected = sorted(str(key) for key in report.get("unexpected_keys", ()))
    if report.get("mismatched_keys"):
        raise unfit(files.name)
    if missing:
        raise _explain_missing(files, config, missing, unexpected)
    unused = [key for key in unexpected if _LAYER.search(key) and not key.startswith("decoder.")]
    if unused:
        raise unfit(
            files.name, f"{len(unused)} tensors of its layers would go unused, such as {unused[0]}"
        )


def _explain_missing(
    files: ModelFiles, config: ModelConfig, missing: Sequence[str], unexpected: Sequence[str]
) -> ModelError:
    """Say why tensors are missing, by the names of those that are there instead."""
    if any(mark in key for key in unexpected for mark in _ADAPTED):
        return refuse(
            files.name,
            "mismatched_weights",
            "its weights are those of a PEFT model whose adapter is not merged; "
            "save `model.merge_and_unload()` instead",
        )
    others = [key for key in unexpected if not key.startswith(_ROOTS)]
    if others and not any("." in key for key in others):
        return _refuse_nested(files.name, others)
    prefix = find_prefix(missing, unexpected)
    if prefix is not None:
        return refuse(files.name, "mismatched_weights", _advise_on_prefix(files, prefix))
    if "classifier.weight" in missing:
        return _explain_missing_head(files, config, missing, unexpected)
    tail = missing[0].partition(".")[2]
    alike = next((key for key in unexpected if tail and key.endswith(f".{tail}")), None)
    perhaps = f", which may be what it calls {alike}" if alike else ", …"
    return refuse(
        files.name,
        "mismatched_weights",
        f"{len(missing)} tensors are missing from its weights or misnamed ({missing[0]}{perhaps}); "
        "save it once more with transformers' `save_pretrained`",
    )


def _explain_missing_head(
    files: ModelFiles, config: ModelConfig, missing: Sequence[str], unexpected: Sequence[str]
) -> ModelError:
    base = config.kind.tensors
    if (
        unexpected
        and not any(key.startswith((f"{base}.", *_ROOTS)) for key in unexpected)
        and len(missing) > len(unexpected) / 4
        and any(key.startswith(f"{base}.") for key in missing)
    ):
        return refuse(
            files.name,
            "mismatched_weights",
            f"its tensors are not named as transformers names them ({unexpected[0]}, …, not "
            f"{missing[0]}); convert them first",
        )
    heads = [key for key in unexpected if _HEAD.fullmatch(key)]
    perhaps = f"; if it is {heads[0]!r}, call that 'classifier.weight'" if len(heads) == 1 else ""
    return refuse(
        files.name,
        "missing_head",
        "its checkpoint has no classifier head, so it can't name actions; "
        f"name a fine-tuned model, such as --model base{perhaps}",
    )


def _refuse_nested(model: str, entries: Sequence[str] = ("state_dict", "model")) -> ModelError:
    return refuse(
        model,
        "mismatched_weights",
        "its weights file is a training's checkpoint, in which the model is one entry "
        f"({list_some([repr(shortened(entry, 40)) for entry in entries])}); save that entry alone",
    )


def find_prefix(missing: Sequence[str], unexpected: Sequence[str]) -> str | None:
    """Find what was put before the names of the tensors that are missing.

    A few may be missing for another reason, such as biases that have an older name.

    >>> find_prefix(["classifier.weight", "vivit.x"], ["net.classifier.weight", "net.vivit.x"])
    'net.'
    """
    known = set(unexpected)
    sought = "classifier.weight" if "classifier.weight" in missing else missing[0]
    for name in unexpected:
        prefix = name.removesuffix(sought)
        if prefix != name and prefix.endswith("."):
            found = sum(f"{prefix}{one}" in known for one in missing)
            if found > len(missing) / 2:
                return prefix
    return None


def _advise_on_prefix(files: ModelFiles, prefix: str) -> str:
    left, wrappers = prefix, []
    while left:
        found = next(((start, who) for start, who in _WRAPPERS if left.startswith(start)), None)
        if found is None:
            break
        wrappers.append(found[1])
        left = left.removeprefix(found[0])
    whose = f", as {' and '.join(wrappers)} saves them" if wrappers and not left else ""
    begin = f"the names of its tensors begin with {prefix!r}{whose}; strip that"
    if files.is_own_folder:
        return f"{begin}: {strip_command(files.folder, files.folder, prefix)}"
    # The hub's cache belongs to other programs, too.
    copy = Path("my-model")
    return (
        f"{begin} in a copy, which is then -m ./{copy}: "
        f"{shlex.join(['cp', '-rL', str(files.folder), str(copy)])} && "
        f"{strip_command(files.folder, copy, prefix)}"
    )


def strip_command(folder: Path, target: Path, prefix: str) -> str:
    """Compose a shell command that takes a prefix off the names of tensors.

    Args:
        folder: The model.
        target: The folder in which the command has to work: that one or a copy.
        prefix: What to take off.
    """
    weights = [path for path in find_weights(folder) if not path.name.endswith(INDEX_SUFFIX)]
    if len(weights) != 1:
        return "save the model that is inside of the wrapper once more with `save_pretrained`"
    if weights[0].suffix == ".safetensors":
        code = (
            "import sys; from safetensors.torch import load_file as l, save_file as s; f, p = "
            "sys.argv[1:]; s({k.removeprefix(p): v.clone() for k, v in l(f).items()}, f, "
            "{'format': 'pt'})"
        )
    else:
        code = (
            "import sys, torch; f, p = sys.argv[1:]; torch.save({k.removeprefix(p): v for k, v "
            "in torch.load(f).items()}, f)"
        )
    return shlex.join([sys.executable, "-c", code, str(target / weights[0].name), prefix])


def explain_load_failure(files: ModelFiles, config: ModelConfig, exc: Exception) -> ModelError:
    """Say in one line what transformers said in many."""
    import pickle

    model, text = files.name, shortened(exc)
    causes = f"{text} {shortened(exc.__cause__)}"
    if is_out_of_memory(exc):
        return refuse(
            model,
            "out_of_memory",
            "there is too little memory to load it; end other programs, or try a smaller model, "
            "such as --model small",
        )
    if "torchvision" in causes:
        return refuse(
            model,
            "broken_torchvision",
            "the installed torchvision does not match torch; uninstall or reinstall it",
        )
    if isinstance(exc, ImportError):
        package = exc.name or "transformers"
        return refuse(
            model,
            "missing_package",
            f"the package {package} can't be imported ({shortened(exc, 80)}); "
            f"`pip install {package}`",
        )
    from safetensors import SafetensorError

    if "ignore_mismatched_sizes" in text:
        count = count_outputs(find_weights(files.folder))
        if count in (None, len(config.labels)):
            return unfit(model, "their sizes differ")
        return unfit(model, f"they give {count} scores, and it names {len(config.labels)} labels")
    if "trust_remote_code" in text:
        return refuse(
            model,
            "remote_code",
            "it needs Python code from its repository, which vidtag never runs; "
            "try a model that transformers knows, such as --model base",
        )
    if "'dict' object has no attribute" in text:
        return _refuse_nested(model)
    if "dictionary update sequence" in text or "Unsupported global" in str(exc):
        return refuse(
            model,
            "corrupt_weights",
            "its weights file holds something else than named tensors, which is not run; load it "
            "where it was made, and save the model with transformers' `save_pretrained`",
        )
    if isinstance(exc, KeyError) and exc.args == ("metadata",):
        return refuse(
            model,
            "corrupt_weights",
            'its list of shards has no "metadata"; add `"metadata": {}` to it',
        )
    if isinstance(exc, SafetensorError | pickle.UnpicklingError | EOFError) or any(
        sign in text for sign in ("PytorchStreamReader", "Invalid magic number", "zip archive")
    ):
        return refuse(
            model,
            "corrupt_weights",
            f"its weights are damaged or no weights ({shortened(exc, 80)}); {how_again(files)}",
        )
    if isinstance(exc, KeyError | IndexError | AttributeError) or not text:
        text = f"{type(exc).__name__} {text}".strip()
    return refuse(
        model, "bad_config", f"transformers refuses it ({text}); get its config.json again"
    )
