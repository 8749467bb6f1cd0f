"""A sound track being encoded: samples at their places, silence between them."""

from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer


class SoundTrack:
    """Takes samples with their places, and encodes them in their order.

    Args:
        output: The file.
        stream: Its sound track.
        layout: FFmpeg's name of the channels.
    """

    def __init__(self, output: OutputContainer, stream: Any, layout: str) -> None:
        self._output = output
        self._stream = stream
        self._layout = layout
        self._num_channels = stream.codec_context.channels
        self._position = 0  # of what comes next
        self._num_encoded = 0
        self._waiting: list[npt.NDArray[np.float32]] = []
        self._num_waiting = 0

    def put(self, at: int, samples: npt.NDArray[np.float32], until: int) -> None:
        """Put samples at a place; what lies before what is there already, or behind, is cut."""
        samples = samples[:, max(0, self._position - at) : max(0, until - at)]
        if samples.shape[1] == 0:
            return
        self.fill(min(max(at, self._position), until))
        self._push(samples)

    def fill(self, until: int) -> None:
        """Be silent up to a place."""
        while self._position < until:
            count = min(until - self._position, 4096)
            self._push(np.zeros((self._num_channels, count), np.float32))

    def _push(self, samples: npt.NDArray[np.float32]) -> None:
        self._position += samples.shape[1]
        self._waiting.append(samples)
        self._num_waiting += samples.shape[1]
        size = self._stream.codec_context.frame_size or 1024
        while self._num_waiting >= size:
            whole = np.concatenate(self._waiting, axis=1)
            self._encode(whole[:, :size])
            self._waiting = [whole[:, size:]]
            self._num_waiting = self._waiting[0].shape[1]

    def finish(self) -> None:
        """Encode what is left."""
        if self._num_waiting:
            self._encode(np.concatenate(self._waiting, axis=1))
            self._waiting, self._num_waiting = [], 0

    def _encode(self, samples: npt.NDArray[np.float32]) -> None:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=self._layout
        )
        frame.sample_rate = self._stream.codec_context.sample_rate
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = self._num_encoded
        self._num_encoded += samples.shape[1]
        self._output.mux(self._stream.encode(frame))
