"""A camera on loopback: sends a transport stream to whoever connects, in the time that it takes.

Each connection follows a plan of its own: play to the end, hang up or fall silent on the way.
"""

import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PIECE = 188 * 4


@dataclass(frozen=True)
class Plan:
    """What a connection is sent."""

    path: Path
    speed: float = 1.0
    """How many seconds of video a second."""

    seconds: float = 4.0
    """How long the video is."""

    until: float = 1.0
    """After this share of it, the connection ends; or falls silent."""

    stalls: bool = False


class StreamServer:
    """Sends streams; the last plan holds for all further connections. A context manager."""

    def __init__(self, *plans: Plan) -> None:
        self.num_connections = 0
        self._plans = plans
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._listen)]

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)
        for client in self._clients:
            client.close()

    def _listen(self) -> None:
        while not self._is_over.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            plan = self._plans[min(self.num_connections, len(self._plans) - 1)]
            self.num_connections += 1
            self._clients.append(client)
            thread = threading.Thread(target=self._send, args=(client, plan))
            self._threads.append(thread)
            thread.start()

    def _send(self, client: socket.socket, plan: Plan) -> None:
        data = plan.path.read_bytes()
        began, size = time.monotonic(), len(data)
        try:
            for begin in range(0, round(size * plan.until), PIECE):
                due = began + begin / size * plan.seconds / plan.speed
                if self._is_over.wait(max(0.0, due - time.monotonic())):
                    break
                client.sendall(data[begin : begin + PIECE])
            if plan.stalls:
                self._is_over.wait()
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            client.close()
