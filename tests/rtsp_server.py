"""A real RTSP server for tests: GStreamer's own, which plays a file in real time.

    /usr/bin/python3 tests/rtsp_server.py FILE PORT [USER:PASSWORD]

Needs Debian's gir1.2-gst-rtsp-server-1.0, python3-gi and GStreamer's good plugins, which belong to
the system's Python. Every client sees the file from its beginning. Prints `ready`, and whenever
it begins to play, `playing` with the time.
"""

import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions come first


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def note_playing(factory: object, media: GstRtspServer.RTSPMedia) -> None:
    """Say when a file begins to play."""

    def on_state(media: object, state: int) -> None:
        if state == Gst.State.PLAYING:
            say(f"playing {time.time()}")

    media.connect("new-state", on_state)


def main() -> None:
    """Serve until the process is ended."""
    path, port = sys.argv[1:3]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f'( filesrc location="{path}" ! qtdemux ! h264parse '
        "! rtph264pay name=pay0 pt=96 config-interval=1 )"
    )
    factory.connect("media-configure", note_playing)
    if len(sys.argv) > 3:
        user, _, password = sys.argv[3].partition(":")
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "user")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
        server.set_auth(auth)
        factory.add_role_from_structure(
            Gst.Structure.new_from_string(
                "user, media.factory.access=true, media.factory.construct=true"
            )
        )
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    say("ready")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
