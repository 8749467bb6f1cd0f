"""The first run in int8: it is calibrated on the videos that the user named."""

import os
from collections.abc import Callable, Iterable

from vidtag.inputs.found import Input
from vidtag.models.calibration import is_calibrated
from vidtag.models.options import LoadOptions
from vidtag.tagging.calibrating import calibrate
from vidtag.tagging.settings import Settings


def calibrate_first(
    load: LoadOptions,
    settings: Settings,
    items: Iterable[Input],
    tell: Callable[[str], None] | None,
) -> None:
    """Calibrate a model for int8 on what is to be tagged, unless that was done before.

    Raises:
        ModelLoadError: These are too few windows.
    """
    if load.precision != "int8" or is_calibrated(load):
        return
    files = [item.source for item in items if os.path.isfile(item.source)]
    calibrate(files, load, settings, tell=tell)
