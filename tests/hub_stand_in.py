"""A stand-in for the Hugging Face hub on loopback, for `HF_ENDPOINT`.

It serves model folders with the paths, headers and error codes of the real one: model info
at /api/models/<id>, files at /<id>/resolve/<revision>/<file>, large ones by a redirect to
where they are stored. It notes every request.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
"""The only commit of every model; its branches are `main` and `v2`."""

BRANCHES = ("main", "v2")

STORED_SUFFIXES = (".safetensors", ".bin")
"""Files that the hub keeps in its large-file storage."""


@dataclass
class Hub:
    """A running stand-in."""

    endpoint: str
    """What `HF_ENDPOINT` should be."""

    storage: str
    """Where large files lie: another host by name, as for the real one."""

    models: dict[str, Path]
    """Folder of each hub id."""

    gated: set[str] = field(default_factory=set)
    """Ids whose files need accepted terms."""

    cut: set[str] = field(default_factory=set)
    """Ids whose large files break off in the middle."""

    broken: set[str] = field(default_factory=set)
    """Ids for which the hub answers 503."""

    slow: set[str] = field(default_factory=set)
    """Ids whose large files stop in the middle until the other side hangs up."""

    pinned: dict[str, str] = field(default_factory=dict)
    """Ids whose files are at one commit that is on no branch, and nowhere else."""

    licences: dict[str, str] = field(default_factory=dict)
    """Licence that a model's card names, by its id."""

    requests: list[str] = field(default_factory=list)
    """Method and path of every request, in order."""

    starts: list[int] = field(default_factory=list)
    """First byte of every request for a large file."""

    is_halfway: threading.Event = field(default_factory=threading.Event)
    """Set when a slow file has stopped in the middle."""


@contextmanager
def serve_hub(models: dict[str, Path]) -> Iterator[Hub]:
    """Serve model folders by their hub ids until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    port = server.server_port
    hub = Hub(
        endpoint=f"http://127.0.0.1:{port}", storage=f"http://localhost:{port}", models=models
    )
    server.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def point_to(endpoint: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this process see a hub at `endpoint`, and an empty home but for what `home` holds.

    Returns:
        The folder that the hub's client keeps models in, which is made when one comes.
    """
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hf" / "hub"))
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(home / "vidtag"))
    return home / "hf" / "hub"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    @property
    def hub(self) -> Hub:
        return self.server.hub  # type: ignore[attr-defined, no-any-return]

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        if path.startswith("/api/models/"):
            self._info(path.removeprefix("/api/models/"))
        elif path.startswith("/storage/"):
            model_id, _, name = path.removeprefix("/storage/").partition("/files/")
            content = (self.hub.models[model_id] / name).read_bytes()
            self._send_stored(model_id, content)
        elif "/resolve/" in path:
            model_id, _, rest = path.strip("/").partition("/resolve/")
            revision, _, name = rest.partition("/")
            self._file(model_id, revision, name)
        else:
            self._send(404, b"")

    def _is_there(self, model_id: str, revision: str) -> bool:
        if model_id in self.hub.broken:
            self._send(503, b"busy")
        elif model_id not in self.hub.models:
            self._error(404, "RepoNotFound", "Repository not found")
        elif revision not in (
            {self.hub.pinned.get(model_id)} if model_id in self.hub.pinned else {*BRANCHES, COMMIT}
        ):
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return True
        return False

    def _info(self, rest: str) -> None:
        model_id, _, revision = rest.partition("/revision/")
        if not self._is_there(model_id, revision or "main"):
            return
        folder = self.hub.models[model_id]
        info = {
            "_id": "0",
            "id": model_id,
            "modelId": model_id,
            "sha": self.hub.pinned.get(model_id, COMMIT),
            "private": False,
            "gated": "auto" if model_id in self.hub.gated else False,
            "tags": [f"license:{self.hub.licences[model_id]}"]
            if model_id in self.hub.licences
            else [],
            "downloads": 0,
            "likes": 0,
            "siblings": [
                {"rfilename": path.name, "size": path.stat().st_size}
                for path in sorted(folder.iterdir())
                if path.is_file()
            ],
        }
        self._send(200, json.dumps(info).encode(), {"Content-Type": "application/json"})

    def _file(self, model_id: str, revision: str, name: str) -> None:
        if not self._is_there(model_id, revision):
            return
        if model_id in self.hub.gated:
            self._error(403, "GatedRepo", f"Access to model {model_id} is restricted")
            return
        commit = self.hub.pinned.get(model_id, COMMIT)
        path = self.hub.models[model_id] / name
        if not path.is_file():
            self._error(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit})
            return
        content = path.read_bytes()
        if path.suffix in STORED_SUFFIXES:
            self._send(
                302,
                b"",
                {
                    "Location": f"{self.hub.storage}/storage/{model_id}/files/{name}",
                    "X-Linked-Size": str(len(content)),
                    "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
                    "X-Repo-Commit": commit,
                },
            )
        else:
            self._send(200, content, {"X-Repo-Commit": commit})

    def _send_stored(self, model_id: str, content: bytes) -> None:
        """Send a large file, or the part of it that is asked for."""
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.hub.starts.append(start)
        rest = content[start:]
        more = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        if model_id in self.hub.slow and self.command == "GET":
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: len(rest) // 2])
            self.wfile.flush()
            self.hub.is_halfway.set()
            with suppress(ConnectionError):
                self.connection.recv(1)  # until the other side hangs up
            self.close_connection = True
            return
        cut = model_id in self.hub.cut
        self._send(206 if start else 200, rest, more if start else None, cut=cut)

    def _error(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        self._send(
            status,
            json.dumps({"error": message}).encode(),
            {
                "X-Error-Code": code,
                "X-Error-Message": message,
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, cut: bool = False
    ) -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut
