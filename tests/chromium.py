"""Drives Chromium over its own debugging pipe: enough to open a page, click, type and look.

The DevTools protocol as NUL-terminated JSON on two file descriptors: no driver to install.
https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import itertools
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it needs rights that a container rarely gives; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
    "--hide-scrollbars",
)

# Chromium reads commands from descriptor 3 and answers on 4.
_LAUNCH = "import os, sys; r, w = map(int, sys.argv[1:3]); os.dup2(r, 3); os.dup2(w, 4); "
_LAUNCH += "os.execvp(sys.argv[3], sys.argv[3:])"

KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Home": (36, ""), "End": (35, "")}
KEYS |= {f"Arrow{name}": (37 + k, "") for k, name in enumerate(("Left", "Up", "Right", "Down"))}

Json = dict[str, Any]


class Chromium:
    """A running headless browser with a profile of its own."""

    def __init__(self, profile: Path, *, timeout: float = 60) -> None:
        self._timeout = timeout
        to_browser, self._write = (_high(fd) for fd in os.pipe())
        self._read, from_browser = (_high(fd) for fd in os.pipe())
        command = ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, str(to_browser), str(from_browser), *command],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._ids = itertools.count(1)
        self._pending = b""
        self._messages: list[Json] = []
        self.events: list[Json] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.call("Browser.close")
            self._process.wait(20)
        except (OSError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, session: str | None = None, **params: object) -> Json:
        """Send a command and wait for its answer; events on the way are kept."""
        number = next(self._ids)
        message: Json = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self._timeout
        while True:
            answer = self._receive(end)
            if answer.get("id") != number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                result: Json = answer["result"]
                return result

    def _receive(self, end: float) -> Json:
        while b"\0" not in self._pending:
            if not select.select([self._read], [], [], max(end - time.monotonic(), 0))[0]:
                raise TimeoutError("Chromium gave no answer")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise OSError("Chromium ended")
            self._pending += chunk
        message, _, self._pending = self._pending.partition(b"\0")
        parsed: Json = json.loads(message)
        return parsed

    def open(
        self,
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        is_dark: bool = False,
        is_phone: bool = False,
        can_script: bool = True,
    ) -> "Page":
        """Open an address in a tab of its own and wait until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if is_phone else 1,
            mobile=is_phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        if not can_script:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.call("Page.navigate", url=url)
        page.wait_for_event("Page.loadEventFired")
        return page


class Page:
    """One tab."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target

    def call(self, method: str, **params: object) -> Json:
        return self._browser.call(method, self._session, **params)

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def events(self, method: str) -> list[Json]:
        """List the parameters of what happened so far."""
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] == method
        ]

    def wait_for_event(self, method: str) -> None:
        end = time.monotonic() + 60
        while not self.events(method):
            if time.monotonic() > end:
                raise TimeoutError(method)
            self.evaluate("1")

    @property
    def addresses(self) -> list[str]:
        """Every address that the page asked for."""
        return [one["request"]["url"] for one in self.events("Network.requestWillBeSent")]

    @property
    def complaints(self) -> list[str]:
        """What a developer would see in red: errors, also of the page's policy."""
        thrown = [str(one["exceptionDetails"]) for one in self.events("Runtime.exceptionThrown")]
        logged = [str(one["entry"]) for one in self.events("Log.entryAdded")]
        said = [str(one["args"]) for one in self.events("Runtime.consoleAPICalled")]
        return thrown + logged + said

    def evaluate(self, expression: str) -> Any:
        """Return an expression's value; a promise is awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_until(self, expression: str) -> None:
        """Wait for an expression to become true, also while another page is being opened."""
        end = time.monotonic() + 30
        while not self._is_true(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)

    def _is_true(self, expression: str) -> bool:
        try:
            return bool(self.evaluate(f"Boolean({expression})"))
        except RuntimeError as exc:
            if "context" in str(exc) or "navigated" in str(exc):
                return False  # between two pages there is nobody to ask
            raise

    def click(self, selector: str, *, x: float = 0.5, y: float = 0.5) -> None:
        """Click with the mouse on an element, at shares of its width and height.

        A click is aimed at the last picture that was drawn: two frames are waited for, so that
        what a script has just shown or scrolled to is in it.
        """
        box = self.evaluate(
            f"""(async () => {{
              const part = document.querySelector({json.dumps(selector)});
              part.scrollIntoView({{block: "center", behavior: "instant"}});
              for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
              const box = part.getBoundingClientRect();
              return [box.left + box.width * {x}, box.top + box.height * {y}];
            }})()"""
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            pressed = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], **pressed)

    def press(self, key: str) -> None:
        """Press and release a key."""
        code, text = KEYS[key]
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def type_text(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path, *, is_full: bool = True) -> None:
        """Take a picture of the whole page or of what a window shows."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=is_full)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """Print to a file."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF")["data"]))


def _high(fd: int) -> int:
    """Move a descriptor out of the way of 3 and 4."""
    import fcntl

    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(fd)
    return moved
