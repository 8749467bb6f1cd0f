"""int8: a converted model quantised on this machine, on frames of the user's own videos.

The only module that imports NNCF, and only while it quantises. Weights and the inputs of matrix
products become 8-bit; NNCF's `transformer` type keeps attention's softmax and the normalisations
in floating point, which is what keeps the scores: without it the mean change of a score doubles
(demo model: 0.0071 in place of 0.0036).

What is measured over the calibration clips is the range of each layer's inputs, so they have to be
pictures of the kind that will be tagged: on noise the scores are destroyed, though the best label
often survives (demo model: mean change 0.24).
"""

import contextlib
import importlib.util
import io
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vidtag.models.refusals import refuse, shortened

LEAST_WINDOWS = 40
"""Windows that a calibration takes at least."""

MOST_WINDOWS = 48
"""Each is run twice, and more of them change nothing that was measured."""


def need_nncf(name: str) -> None:
    """Check that NNCF is there, before videos are read for it.

    Raises:
        ModelLoadError: It is not installed.
    """
    if importlib.util.find_spec("nncf") is None:
        raise refuse(
            name,
            "missing_package",
            "--precision int8 takes NNCF to make it; `pip install 'vidtag[int8]'`: once made, it "
            "runs without it",
        )


def quantise(model: Any, samples: Sequence[Sequence[npt.NDArray[Any]]], name: str) -> Any:
    """Quantise a converted model.

    Args:
        model: An `openvino.Model`.
        samples: Its inputs, of one window each.
        name: The model as the user named it, for errors.

    Returns:
        An `openvino.Model`.

    Raises:
        ModelLoadError: NNCF can't be imported, or fails.
    """
    with _quiet():
        try:
            import nncf  # type: ignore[import-untyped]

            return nncf.quantize(
                model,
                nncf.Dataset([list(map(np.ascontiguousarray, one)) for one in samples]),
                subset_size=len(samples),
                model_type=nncf.ModelType.TRANSFORMER,
                # It changes nothing (demo model: the same mean change of 0.0078) and takes a third
                # of the time. Smoothing of outliers stays, though the demo model has none.
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    disable_bias_correction=True
                ),
            )
        # It is other people's code and has many classes of errors, also of OpenVINO's.
        except Exception as exc:
            raise refuse(
                name,
                "model_failed",
                f"it can't be quantised ({shortened(exc)}); leave out --precision int8",
            ) from exc


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep NNCF from drawing bars, from its log, and from reporting to Google Analytics."""
    # As in `openvino_engine`: it takes its own stub where that can't be imported.
    absent = "openvino_telemetry" not in sys.modules
    if absent:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    logger = logging.getLogger("nncf")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # where its bars go, and results of ours
            yield
    finally:
        logger.disabled = was_disabled
        if absent:
            del sys.modules["openvino_telemetry"]
