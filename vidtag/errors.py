"""All that vidtag raises on purpose.

```
VidtagError                       has .code
├── VideoError                    has .path
│   ├── VideoOpenError            also an OSError
│   ├── NoVideoStreamError
│   ├── VideoDecodeError          has .seconds, .num_failed_packets
│   └── EmptyVideoError
├── ModelError                    has .model_id
│   ├── ModelLoadError            also an OSError
│   ├── ModelMismatchError
│   └── ModelOptionError          also a ValueError
├── UsageError                    options that do not go together
├── DocumentError                 a stored result that can't be read; has .path
├── TruthError                    labels of videos that can't be read; has .path
└── OutputError                   a result that can't be written; also an OSError; has .path
```

Each message is one sentence: what failed, on what, and what to try. `code` is a stable
snake_case word that JSON output carries; below stand all of them, of errors and of warnings, each
with its meaning, from which the README's tables are made, and the exit codes. A programmer's
mistake is a `ValueError`, never a `VidtagError`.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Self

from vidtag.urls import hide_credentials, without_credentials


class VidtagError(Exception):
    """Base of every error that a user can cause or meet."""

    code: str = "error"
    """Stable snake_case word, listed in the README."""

    def __reduce__(self) -> tuple[object, ...]:
        # By default an exception is made anew from its message alone, which most here don't take:
        # unpickling then fails, and a `multiprocessing.Pool` waits for its worker for ever.
        return _revive, (type(self), self.args, self.__dict__.copy())


def _revive(kind: type[VidtagError], args: tuple[object, ...], state: dict[str, object]) -> object:
    """Make an error again that another process sent."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class VideoError(VidtagError):
    """Something is wrong with one input; the others can go on."""

    def __init__(self, path: str, code: str, message: str) -> None:
        super().__init__(hide_credentials(message, [path]))
        self.path = without_credentials(path)
        """The input as the user named it, without user name and password."""
        self.code = code


class VideoOpenError(VideoError, OSError):
    """The input is missing, unreachable, or no video that FFmpeg can open."""

    @classmethod
    def missing(cls, path: str) -> "VideoOpenError":
        """Compose the error for a file that is not there."""
        return cls(path, "not_found", f"There is no file '{path}'; check the spelling.")


class NoVideoStreamError(VideoError):
    """The container has no video stream that could be tagged."""


class VideoDecodeError(VideoError):
    """Packets were there, but no frame came out of them."""

    def __init__(
        self,
        path: str,
        code: str,
        message: str,
        *,
        seconds: float | None = None,
        num_failed_packets: int = 0,
    ) -> None:
        super().__init__(path, code, message)
        self.seconds = seconds
        """Where decoding stopped, in seconds, where that is known."""
        self.num_failed_packets = num_failed_packets


class EmptyVideoError(VideoError):
    """There is a video stream, but no frame in the part that was asked for."""


class ModelError(VidtagError):
    """Something is wrong with the model; no input can be tagged."""

    def __init__(self, model_id: str, code: str, message: str) -> None:
        super().__init__(hide_credentials(message, [model_id]))
        self.model_id = without_credentials(model_id)
        """The model as the user named it, without user name and password."""
        self.code = code


class ModelLoadError(ModelError, OSError):
    """The model is missing, unreachable, damaged, or no video classifier."""


class ModelMismatchError(ModelError):
    """The model was loaded, but what it returns does not fit what it declares."""


class ModelOptionError(ModelError, ValueError):
    """Device, engine, precision and batch size as asked for do not go together: wrong usage."""


class UsageError(VidtagError):
    """What was asked does not go together; nothing was done."""

    code = "wrong_usage"


class DocumentError(VidtagError):
    """A stored result can't be read."""

    code = "bad_document"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(hide_credentials(message, [path]))
        self.path = without_credentials(path)


class TruthError(VidtagError):
    """What persons said of videos can't be read, or is not enough to learn from."""

    code = "bad_truth"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(hide_credentials(message, [path]))
        self.path = without_credentials(path)


class OutputError(VidtagError, OSError):
    """A result can't be written."""

    code = "cannot_write"

    def __init__(self, path: str, message: str, *, costs_all: bool = True) -> None:
        super().__init__(hide_credentials(message, [path]))
        self.path = without_credentials(path)
        self.costs_all = costs_all
        """Whether the other videos of a run could not be written either."""


VIDEO_ERROR_CODES: Mapping[str, str] = {
    "not_found": "There is no such file.",
    "permission_denied": "The file may not be read.",
    "is_a_folder": "The input is a folder where a video was expected.",
    "not_a_file": "The input is a device or socket, no file.",
    "empty_file": "The file has 0 bytes.",
    "read_failed": "The operating system could not read the input.",
    "not_a_video": "The content is in no video format that vidtag opens.",
    "playlist": "The file is a playlist or script; the files that it names are not opened.",
    "incomplete": "The file's index is missing or damaged: a download or recording was cut off.",
    "too_many_streams": "The file has more streams than any video.",
    "no_video_stream": "The container has no stream at all, or none that is video.",
    "audio_only": "There is sound, but no video.",
    "cover_art_only": "The only picture is cover art.",
    "subtitles_only": "There are subtitles, but no video.",
    "unsupported_codec": "The video's codec is unknown, or its header is damaged.",
    "encrypted": "The video is encrypted, and no frame could be decoded.",
    "no_frames": "There is a video stream, but not one frame could be decoded.",
    "start_past_end": "The part that was asked for begins after the video's end.",
    "unsupported_pixels": "The video's pixel format can't be converted.",
    "too_many_pixels": "A picture is larger than the limit.",
    "spool_limit": "The piped or downloaded video does not fit into a temporary file.",
    "offline": "The input is a URL, and the network is switched off.",
    "network_failed": "The server could not be reached, refused, or broke off.",
    "timed_out": "The server did not answer in time, or hardly sent anything.",
    "no_picture": "A live source sends data, of which no picture can be decoded.",
}
"""Code of a `VideoError` → what it means, in one line."""

INPUT_ERROR_CODES: Mapping[str, str] = {
    "nothing_found": "A folder, glob or list holds no video.",
    "permission_denied": "The folder or list may not be read.",
    "not_found": "There is no such list.",
    "read_failed": "The operating system could not read the folder or list.",
}
"""Code of a failure of finding inputs → what it means, in one line."""

MODEL_ERROR_CODES: Mapping[str, str] = {
    "unknown_model": "No such alias, folder or hub model (or a private one).",
    "unknown_revision": "The hub model has no such branch, tag or commit.",
    "gated_model": "The hub wants you to log in or to accept terms first.",
    "hub_unreachable": "The model is not cached and the hub can't be reached.",
    "hub_error": "The hub answered with an error.",
    "not_cached": "`--offline`, and the model is not in the cache.",
    "download_failed": "The download broke off or could not be written.",
    "not_a_model": "The folder or file is no model in the hub's format.",
    "bad_config": "The model's config.json can't be read.",
    "unsupported_model": "The model is no video classifier that transformers knows.",
    "remote_code": "The model needs code from its repository, which vidtag never runs.",
    "multi_label": "The model gives several labels at once; vidtag ranks one against another.",
    "regression": "The model estimates quantities; vidtag ranks actions.",
    "one_label": "The model knows one action alone, which would score 1.00 everywhere.",
    "adapter": "The folder holds an adapter (LoRA), which must be merged into its base first.",
    "missing_weights": "There are no weights beside config.json.",
    "corrupt_weights": "The weights can't be read.",
    "quantised_weights": "The weights are quantised, and their scales would be passed over.",
    "model_changed": "The model's files were changed while they were read.",
    "missing_head": "The checkpoint has no classifier head: it was never fine-tuned.",
    "mismatched_weights": "The weights do not fit the config.",
    "missing_preprocessor": "There is no preprocessor config.",
    "bad_preprocessor": "The preprocessor config asks for something vidtag can't do.",
    "size_mismatch": "The preprocessor's pictures do not fit the model.",
    "missing_package": "A package that the engine needs is not installed.",
    "broken_torchvision": "The installed torchvision does not match torch.",
    "bad_device": "The device is unknown, or the engine can't run there.",
    "missing_device": "The device that was asked for is not there.",
    "bad_engine": "The engine is unknown.",
    "bad_precision": "The precision is unknown, or the device can't compute in it.",
    "not_calibrated": "int8 has to be calibrated on videos of yours, or that can't be kept.",
    "too_few_windows": "The videos have too few windows that differ to calibrate int8 on.",
    "bad_batch_size": "The batch size is not a whole number from 1 on.",
    "bad_labels": "The labels in your own words, or their template, can't be used.",
    "closed_model": "The model knows its own labels alone, and can't take words of yours.",
    "bad_tokenizer": "The files that turn words into tokens are missing or another model's.",
    "out_of_memory": "One window alone does not fit into the device's memory.",
    "model_failed": "The model or its engine failed while it ran or was set up.",
    "bad_logits": "The model gave something else than one finite logit for each label.",
    "not_explainable": "The engine or the architecture does not show what it looked at.",
}
"""Code of a `ModelError` → what it means, in one line."""

VIDEO_WARNING_CODES: Mapping[str, str] = {
    "still_picture": "The video has one frame; it was tagged as a still picture.",
    "several_video_streams": "Of several video streams, one was chosen.",
    "packets_failed": "The decoder refused some packets; the video goes on without them.",
    "frames_damaged": "The decoder marked some frames as damaged.",
    "stopped_at_damage": "Reading stopped where nothing more could be decoded.",
    "truncated": "The video ends before its declared duration, or in the middle of a packet.",
    "encrypted": "The file says that it is encrypted; the pictures may be scrambled.",
    "timestamps_missing": "Frames without timestamps were placed by the frame rate or arrival.",
    "timestamps_reordered": "Timestamps ran backwards and were sorted; frames keep their order.",
    "timestamps_repeated": "Frames with the same timestamp were spread out.",
    "timestamps_wrapped": "The timestamps' counter overflowed; the time goes on.",
    "timestamps_discontinuous": "The timestamps jumped; the time goes on without the jump.",
    "duration_declared": "The end was not read; the duration is the declared one.",
    "size_changed": "The picture's size changes within the video.",
    "rotation_ignored": "The display matrix makes no upright picture and was ignored.",
    "aspect_ignored": "The sample aspect ratio makes no sense and was ignored.",
    "colour_tag_ignored": "The colour matrix is unknown or unsupported; a usual one was used.",
    "hdr": "The video is HDR (PQ, HLG, Dolby Vision); it was read without tone mapping.",
}
"""Code of a `Notice` about a video → what it means, in one line."""

TAGGING_WARNING_CODES: Mapping[str, str] = {
    "file_changed": "The file was changed or moved while it was read; its scores are not kept.",
    "stride_beyond_window": "The stride is longer than the window: the time between is not seen.",
    "stride_rounded": "The stride was rounded to a whole number of sampling intervals.",
    "shorter_than_window": "The video is shorter than a window: one window spans all of it.",
    "stopped": "The run was stopped; the result ends where it stopped.",
}
"""Code of a `Notice` about the sampling grid or the run → what it means, in one line."""

LIVE_WARNING_CODES: Mapping[str, str] = {
    "source_lost": "A live source was lost for some time, which was not seen.",
    "windows_skipped": "The model was too slow for a live source; windows were skipped.",
    "older_dropped": "More was watched than is kept; the document begins later.",
}
"""Code of a warning in the document of a live source → what it means, in one line."""

EVENT_CODES: Mapping[str, str] = {
    "clock_jumped": "The timestamps of the source jumped; the time goes on as pictures come.",
    "clock_drifted": "The clock of the source runs away from this machine's; UTC follows arrival.",
    "frames_skipped": "Decoding was too slow; for a while only key frames were looked at.",
    "ended": "The source is at its end, or the other side closed it.",
    "stopped": "It was stopped.",
}
"""Code of an event of `vidtag watch`, besides those of errors and warnings → what it means."""

MODEL_WARNING_CODES: Mapping[str, str] = {
    "demo_model": "The demo model knows drawn figures only: of real footage its tags say nothing.",
    "engine_fallback": "OpenVINO could not run the model, so torch does; slower, the same scores.",
    "unnamed_labels": "The model's config does not name its classes; they are numbered.",
    "label_repeated": "A label in your own words was given more than once; it counts once.",
    "approximate": "Patches that stood still were computed once, so scores are approximate.",
    "not_faster": "The model needs all patches of a window, so --fast changes nothing.",
    "int8_not_faster": "The processor has no 8-bit products (VNNI), so int8 saves no time here.",
    "label_truncated": "A label in your own words is longer than the model reads.",
}
"""Code of a note in `ClassifierInfo.notes` → what it means, in one line."""


class ExitCode(IntEnum):
    """What the process tells the shell, each with its meaning; `grep` keeps grep's own codes."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make a code that is its number and knows its meaning."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    DONE = 0, "all inputs tagged or skipped"
    FAILED = 1, "none could be tagged, or the model or vidtag itself failed"
    WRONG_USAGE = 2, "wrong usage"
    SOME_FAILED = 3, "some inputs failed"
    HUNG_UP = 129, "hung up"
    INTERRUPTED = 130, "interrupted"
    TERMINATED = 143, "terminated"
