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
└── OutputError                   a result that can't be written; also an OSError; has .path
```

Each message is one sentence: what failed, on what, and what to try. `code` is a stable
snake_case word that JSON output carries; the README lists them all. A programmer's
mistake is a `ValueError`, never a `VidtagError`.
"""

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


class OutputError(VidtagError, OSError):
    """A result can't be written."""

    code = "cannot_write"

    def __init__(self, path: str, message: str, *, costs_all: bool = True) -> None:
        super().__init__(hide_credentials(message, [path]))
        self.path = without_credentials(path)
        self.costs_all = costs_all
        """Whether the other videos of a run could not be written either."""
