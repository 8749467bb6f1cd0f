"""From a model's name and the user's wishes to a classifier that is ready to run.

Owns the order in which things are looked at: cheap refusals first, heavy imports last and
only those that the run needs.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from vidtag.aliases import WORDS_MODEL, alias_of
from vidtag.clips.preparing import Preprocessing
from vidtag.errors import MODEL_WARNING_CODES, VidtagError
from vidtag.models.calibration import need_calibration
from vidtag.models.classifier import Classifier, ClassifierInfo
from vidtag.models.config import ModelConfig, default_window, read_config
from vidtag.models.conversions import (
    conversion_facts,
    find_converted,
    int8_facts,
    part_facts,
    why_not_kept,
)
from vidtag.models.cost import model_cost
from vidtag.models.deferred import DeferredClassifier
from vidtag.models.device import Plan, choose, cpu_lacks_int8
from vidtag.models.downloading import Advance
from vidtag.models.fast import FastClassifier, Sparse
from vidtag.models.found import check_found, find_and_read
from vidtag.models.labels import read_labels
from vidtag.models.options import LoadOptions
from vidtag.models.packaged import PACKAGED
from vidtag.models.refusals import refuse, shortened, wrong_option
from vidtag.models.soundness import is_out_of_memory
from vidtag.models.source import ModelFiles, find_model
from vidtag.models.still import StillRule, still_rule
from vidtag.models.trained import TrainedClassifier
from vidtag.models.weights import find_weights
from vidtag.models.words.engines import (
    Towers,
    are_converted,
    load_openvino_towers,
    load_torch_towers,
)
from vidtag.models.words.loading import WordChoice, load_words
from vidtag.video.frames import Notice


def labels_of(options: LoadOptions) -> tuple[str, ...]:
    """Give the labels that a model has without words of the user's."""
    return read_labels(options.name, options.revision, options.offline)


def reads_text(options: LoadOptions) -> bool:
    """Tell whether a model takes words of the user's; one that is not cached is downloaded.

    Raises:
        ModelLoadError: It can't be had.
    """
    alias = alias_of(options.name)
    if alias is not None:
        return alias.reads_text
    files = find_model(options.name, revision=options.revision, offline=options.offline)
    return read_config(files.folder, files.name).kind.text is not None


def load_classifier(
    options: LoadOptions,
    tell: Callable[[str], None] | None = None,
    advance: Advance | None = None,
    *,
    needs_head: bool = True,
) -> Classifier:
    """Load a model, checked and ready to run.

    Args:
        options: Which model, and how to run it.
        tell: Told in a line what takes long: a download with its size and licence, a conversion.
        advance: Told how much of a download is there, in bytes, and how much there will be; then
            nothing is drawn on stderr.
        needs_head: Whether an encoder that was never trained on labels is refused.

    Raises:
        ModelLoadError: The model can't be had, or is no sound video classifier.
        ModelMismatchError: It is sound but nothing that vidtag can use.
        ModelOptionError: Device, engine, precision and batch size do not go together.
    """
    alias = alias_of(options.name)
    if alias is not None and not alias.reads_text:
        _refuse_words(options)  # before a download
    plan = choose(
        options.name,
        device=options.device,
        engine=options.engine,
        precision=options.precision,
    )
    files, config = find_and_read(options, tell, advance)
    if config.kind.text is None:
        _refuse_words(options)
    if needs_head and config.own.get("trained") == "pretraining":
        raise refuse(
            files.name,
            "missing_head",
            "it learned from unlabelled footage alone, and knows no label yet; train it with "
            f"vidtag train DATA --from {shortened(files.name)} --full -o MODEL",
        )
    found = check_found(files, config)
    preprocessing = found.preprocessing
    info = _info(files, config, preprocessing, plan, options.batch_size)
    if plan.precision == "int8":
        info = replace(info, calibration=need_calibration(found, is_fast=options.fast))
        if cpu_lacks_int8():
            info = _noted(info, "int8_not_faster")
    rule = still_rule(config, preprocessing) if options.fast else None
    if options.fast:
        info = _fast_info(info, config, rule)
    if config.kind.text is not None:
        towers, info = _load_towers(files, config, preprocessing, info, plan, tell)
        given, repeated = options.words()
        choice = WordChoice(
            given=given,
            repeated=repeated,
            template=options.template,
            has_background=options.background == "auto",
        )
        return load_words(
            choice,
            files=files,
            config=config,
            preprocessing=preprocessing,
            info=info,
            towers=towers,
            tell=tell,
        )
    if plan.engine == "openvino":
        engine: Sparse = _load_openvino(files, config, preprocessing, info, plan, tell)
    else:
        engine = _load_torch(files, config, preprocessing, info)
    if config.num_none or config.temperature != 1:
        engine = TrainedClassifier(engine, _trained_info(engine.info, config))
    if rule is None:
        return engine
    return FastClassifier(engine, rule, engine.info)


def _trained_info(info: ClassifierInfo, config: ModelConfig) -> ClassifierInfo:
    """Add what training found out beside the weights."""
    return replace(
        info,
        temperature=config.temperature,
        calibrated_on=config.calibrated_on,
        has_none=config.num_none > 0,
    )


def _fast_info(info: ClassifierInfo, config: ModelConfig, rule: StillRule | None) -> ClassifierInfo:
    """Tell that scores are approximate, or that nothing can be left out."""
    if rule is None:
        message = f"{config.kind.title} needs all patches of a window, so --fast changes nothing: "
        message += "the run is exact."
        return _noted(info, "not_faster", message)
    return replace(_noted(info, "approximate"), still_threshold=rule.threshold)


def _noted(info: ClassifierInfo, code: str, message: str | None = None) -> ClassifierInfo:
    """Add a note, in the words of its code where there are no others."""
    note = Notice(code=code, message=message or MODEL_WARNING_CODES[code])
    return replace(info, notes=(*info.notes, note))


def _refuse_words(options: LoadOptions) -> None:
    """Refuse words for a model that knows its own labels alone."""
    if options.labels is not None:
        raise wrong_option(
            options.name,
            "closed_model",
            f"the model '{shortened(options.name)}' knows its own labels alone (vidtag labels -m "
            f"{shortened(options.name)}), so it can't take words of yours; -m {WORDS_MODEL} can",
        )


def _load_torch(
    files: ModelFiles, config: ModelConfig, preprocessing: Preprocessing, info: ClassifierInfo
) -> Sparse:
    try:
        from vidtag.models.torch_engine import load_torch
    except ImportError as exc:
        raise _missing(files, "torch", exc) from exc
    return load_torch(files, config, preprocessing, info)


def _load_openvino(
    files: ModelFiles,
    config: ModelConfig,
    preprocessing: Preprocessing,
    info: ClassifierInfo,
    plan: Plan,
    tell: Callable[[str], None] | None,
) -> Sparse:
    """Load on OpenVINO; where that fails and nobody asked for it by name, on torch.

    A model that was converted before was found sound then, so its engine is loaded only when
    the first picture comes.
    """
    parts = ("some_tokens", "whole") if info.is_fast else ("whole",)

    def load(*at_once: str) -> Sparse:
        from vidtag.models.openvino_engine import load_openvino

        return load_openvino(files, config, preprocessing, info, at_once)

    whole = conversion_facts(files, config, preprocessing)
    facts = [part_facts(whole, part) for part in parts]
    if info.precision == "int8":
        facts = [int8_facts(one) for one in facts]
    if all(find_converted(one) is not None for one in facts):
        # Of a video in which nothing stands still, or all does, one of the two is enough.
        return DeferredClassifier(config.labels, info, preprocessing, lambda: load(parts[0]))
    return _convert(
        files,
        plan,
        lambda: load(*parts),
        lambda exc: _load_torch(files, config, preprocessing, _fallback(info, exc)),
        tell,
    )


def _load_towers(
    files: ModelFiles,
    config: ModelConfig,
    preprocessing: Preprocessing,
    info: ClassifierInfo,
    plan: Plan,
    tell: Callable[[str], None] | None,
) -> tuple[Towers, ClassifierInfo]:
    """Load a video-text model, and tell what runs it in the end."""

    def on_torch(info: ClassifierInfo) -> tuple[Towers, ClassifierInfo]:
        try:
            return load_torch_towers(files, config, preprocessing, info), info
        except ImportError as exc:
            raise _missing(files, "torch", exc) from exc

    def on_openvino(*, is_converted: bool = False) -> tuple[Towers, ClassifierInfo]:
        towers = load_openvino_towers(files, config, preprocessing, info, is_converted=is_converted)
        return towers, info

    if plan.engine != "openvino":
        return on_torch(info)
    if are_converted(conversion_facts(files, config, preprocessing)):
        return on_openvino(is_converted=True)
    return _convert(files, plan, on_openvino, lambda exc: on_torch(_fallback(info, exc)), tell)


Loaded = TypeVar("Loaded")


def _convert(
    files: ModelFiles,
    plan: Plan,
    load: Callable[[], Loaded],
    fall_back: Callable[[Exception], Loaded],
    tell: Callable[[str], None] | None,
) -> Loaded:
    """Convert a model for OpenVINO; where that fails and nobody asked for it by name, fall back."""
    if tell is not None:
        takes = f"about {_expected_seconds(files)} s"
        tell(f"converting {files.name} for this computer, {takes}; {_what_comes_of_it()}")
    try:
        return load()
    except VidtagError:
        raise
    except ImportError as exc:
        if plan.engine_is_a_wish:
            raise _missing(files, "openvino", exc) from exc
        return fall_back(exc)
    # Converters and compilers fail in many ways (RuntimeError, TypeError, their own classes);
    # none of them is a reason to leave the user without a result.
    except Exception as exc:
        if plan.engine_is_a_wish:
            raise _refuse_openvino(files, exc) from exc
        return fall_back(exc)


def _expected_seconds(files: ModelFiles) -> int:
    """Guess how long a conversion takes, which says more than nothing to somebody who waits.

    That of 346 MB took 12 s on two cores, 3 s of which loaded torch.
    """
    size = sum(path.stat().st_size for path in find_weights(files.folder))
    return 5 * math.ceil((3 + size / 38e6) / 5)


def _what_comes_of_it() -> str:
    """Say what a conversion is good for, which depends on the cache."""
    why = why_not_kept()
    if why is None:
        return "later runs start at once"
    return f"later runs convert it again, since {why}; VIDTAG_CACHE_DIR can name another folder"


def _refuse_openvino(files: ModelFiles, exc: Exception) -> VidtagError:
    if is_out_of_memory(exc):
        return refuse(
            files.name,
            "out_of_memory",
            "there is too little memory to convert it for OpenVINO; end other programs, try "
            "--engine torch, which needs less, or a smaller model",
        )
    return refuse(
        files.name, "model_failed", f"OpenVINO can't run it ({shortened(exc)}); try --engine torch"
    )


def _fallback(info: ClassifierInfo, exc: Exception) -> ClassifierInfo:
    """Describe the run on torch that takes the place of one on OpenVINO."""
    why = "too little memory to convert it" if is_out_of_memory(exc) else shortened(exc, 120)
    message = f"OpenVINO can't run the model ({why}); torch runs it, more slowly."
    return replace(_noted(info, "engine_fallback", message), engine="torch")


def _missing(files: ModelFiles, package: str, exc: ImportError) -> VidtagError:
    return refuse(
        files.name,
        "missing_package",
        f"the package {package} can't be imported ({shortened(exc, 80)}); `pip install {package}`",
    )


def _info(
    files: ModelFiles,
    config: ModelConfig,
    preprocessing: Preprocessing,
    plan: Plan,
    batch_size: int | None,
) -> ClassifierInfo:
    window, stride = default_window(config)
    notes: tuple[Notice, ...] = ()
    if files.folder.resolve() in [folder.resolve() for folder in PACKAGED.values()]:
        notes = (Notice(code="demo_model", message=MODEL_WARNING_CODES["demo_model"]),)
    if config.labels[0] == "LABEL_0":
        message = "The model's config does not name its classes; they are called LABEL_0 and so on."
        notes = (*notes, Notice(code="unnamed_labels", message=message))
    return ClassifierInfo(
        model_id=files.model_id,
        revision=files.revision,
        num_frames=config.num_frames,
        image_size=preprocessing.image_size,
        licence=files.licence,
        window_seconds=window,
        stride_seconds=stride,
        engine=plan.engine,
        device=plan.device,
        precision=plan.precision,
        batch_size=batch_size or default_batch_size(config, plan.device),
        notes=notes,
    )


_BATCH_GFLOPS = {"cpu": 60.0, "mps": 1_500.0, "cuda": 6_000.0}
"""Work for one forward pass. On a CPU larger batches of large models gain nothing (measured on
VideoMAE-base: batches of 1, 2 and 4 take the same time per window) and delay the first step.
The GPU figures are guesses that no measurement has confirmed yet; memory sets its own limit."""

_MOST_WINDOWS = {"cpu": 8, "mps": 8, "cuda": 32}


def default_batch_size(config: ModelConfig, device: str) -> int:
    """Choose how many windows go through the model at once."""
    kind = device.partition(":")[0]
    cost = model_cost(config)
    if cost is None:
        return 1 if kind == "cpu" else 4
    return max(1, min(_MOST_WINDOWS[kind], int(_BATCH_GFLOPS[kind] / max(cost.gflops, 1e-9))))
