"""Names that are URLs: no user name and no password is ever shown or stored."""

import os
import socket
from pathlib import Path

import pytest
from make_video import make_video
from odd_server import OddServer

from vidtag.cli import app
from vidtag.errors import ModelLoadError, OutputError, VideoOpenError
from vidtag.formats import FORMATS
from vidtag.urls import Url, hide_credentials, is_url, without_credentials


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("http://a.org/b", "http://a.org/b"),
        ("http://u:p@a.org/b", "http://a.org/b"),
        ("RTSP://u@a.org:554/b", "RTSP://a.org:554/b"),
        ("https://u:p@w@a.org?x=@y", "https://a.org?x=@y"),
        ("https://a.org/b@c", "https://a.org/b@c"),
        ("https://a.org:8443/@c/b@d", "https://a.org:8443/@c/b@d"),
        ("http://localhost:8000/a@b", "http://localhost:8000/a@b"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("http://u:p@[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("https://u:p@a.org", "https://a.org"),
        # What should have been escaped.
        ("http://u:p/w@a.org/b", "http://a.org/b"),
        ("http://u:p?w@a.org/b", "http://a.org/b"),
        ("http://u:p#w@a.org/b", "http://a.org/b"),
        ("http://u:p@x/w@a.org/b", "http://a.org/b"),
        ("http://u:12/34@a.org/b", "http://a.org/b"),
        ("http://u:p w@a.org/b", "http://a.org/b"),
        ("http://u:'p'@a.org/b", "http://a.org/b"),
        ("http://me@x.org:p/w@a.org/b", "http://a.org/b"),
        # What is never opened.
        ("ftp://u:p@a.org/b", "ftp://a.org/b"),
        ("rtmp://u:p@a.org/b", "rtmp://a.org/b"),
        ("srt://u:p@a.org:9000?mode=caller", "srt://a.org:9000?mode=caller"),
        ("s3+x://u:p@a.org/b", "s3+x://a.org/b"),
        (" http://u:p@a.org/b", " http://a.org/b"),
        ("\t\nhttp://u:p@a.org/b", "\t\nhttp://a.org/b"),
        ("\u00a0http://u:p@a.org/b", "\u00a0http://a.org/b"),
        ("http:/u:p@a.org/b", "http:/a.org/b"),
        ("http:///u:p@a.org/b", "http:///a.org/b"),
        # What stands within a name.
        ("http://a.org/b?x=http://u:p@c.org/d", "http://a.org/b?x=http://c.org/d"),
        ("http://u:p@a.org/b?x=ftp://v:q@c.org/d", "http://a.org/b?x=ftp://c.org/d"),
        ('"http://u:p@a.org/b"', '"http://a.org/b"'),
        ("video=http://u:p@a.org/b", "video=http://a.org/b"),
        ("concat:http://u:p@a.org/b|c", "concat:http://a.org/b|c"),
        # What is a file.
        ("u:p@a.org", "u:p@a.org"),
        ("C:/a@b.mp4", "C:/a@b.mp4"),
        ("C://a@b.mp4", "C://a@b.mp4"),
        ("http:a@b.mp4", "http:a@b.mp4"),
        ("a/b@c.mp4", "a/b@c.mp4"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_without_credentials(name: str, shown: str) -> None:
    assert without_credentials(name) == shown
    assert without_credentials(shown) == shown


@pytest.mark.parametrize(
    ("url", "target", "user", "password"),
    [
        ("http://a.org/b", "http://a.org/b", None, ""),
        ("http://u:p@a.org/b@c", "http://a.org/b@c", "u", "p"),
        ("http://u%40x:p%2Fw@a.org", "http://a.org", "u@x", "p/w"),
        ("http://u:p/w?#@a.org/b", "http://a.org/b", "u", "p/w?#"),
        ("http://u@a.org/b", "http://a.org/b", "u", ""),
        ("http://@a.org/b", "http://a.org/b", "", ""),
        ("http://u:p:w@a.org/b", "http://a.org/b", "u", "p:w"),
        ("http://nas:80/a@b", "http://nas:80/a@b", None, ""),
    ],
)
def test_a_url_taken_apart(url: str, target: str, user: str | None, password: str) -> None:
    parsed = Url.parse(url)
    assert (parsed.target, parsed.user, parsed.password) == (target, user, password)
    assert "p:w" not in repr(parsed)
    assert "p/w" not in repr(parsed)


def test_what_can_be_opened() -> None:
    assert [is_url(f"{s}://a") for s in ("http", "HTTPS", "rtsp", "rtsps")] == [True] * 4
    assert not any(is_url(name) for name in ("ftp://a", " http://a", "http:/a", "file:///a", "-"))


def test_texts_of_others() -> None:
    url = "http://me:PW/x@127.0.0.1:1/a"
    text = f"nonnumeric port: 'PW' in {url}, path '/x@127.0.0.1' <ftp://me:other@b.org/c>"
    hidden = hide_credentials(text, [url, "clip.mp4"])
    assert "http://127.0.0.1:1/a" in hidden
    assert "<ftp://b.org/c>" in hidden
    for secret in ("PW", "me:", "other"):
        assert secret not in hidden.replace("'PW' in", "")


def test_errors_hide_what_their_text_quotes() -> None:
    name = "ftp://me:s e'cret@a.org/b"
    for error in (
        VideoOpenError(name, "x", f"It is '{name}'."),
        OutputError(name, f"It is '{name}'."),
        ModelLoadError(name, "x", f"It is '{name}'."),
        VideoOpenError.missing(name),
    ):
        assert "cret" not in f"{error} {error!r} {vars(error)}"


SECRETS = [
    "http://me:S3CRET@{host}/a.mp4",
    "http://me:S3C/S3CRET@{host}/a.mp4",
    "http://me:1/S3CRET@{host}/a.mp4",
    "http://me:S3C?S3CRET@{host}/a.mp4",
    "http://me:S3C#S3CRET@{host}/a.mp4",
    "http://me:S3C@S3CRET@{host}/a.mp4",
    "http://me:S3%43RETS3CRET@{host}/a%20b.mp4",
    "http://me:S3CRET S3CRET@{host}/a.mp4",
    "https://S3CRET@{host}/a.mp4",
    "rtsp://me:S3CRET@{host}/a",
    "rtsp://me:S3C/S3CRET@{host}/a",
    "ftp://me:S3CRET@{host}/a.mp4",
    "rtmp://me:S3C/S3CRET@{host}/a.mp4",
    " http://me:S3CRET@{host}/a.mp4",
    "http:/me:S3CRET@{host}/a.mp4",
]


def secret_urls() -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return [name.format(host=f"127.0.0.1:{closed.getsockname()[1]}") for name in SECRETS]


DEMO = pytest.mark.slow  # the model is loaded


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param("{} -m demo --no-cache --json", marks=DEMO),
        pytest.param("{} -m demo --no-cache --offline -v", marks=DEMO),
        pytest.param("{} -m demo --no-cache -o out/", marks=DEMO),
        pytest.param("-r {}* -m demo", marks=DEMO),
        pytest.param("--files-from {1} -m demo", marks=DEMO),
        pytest.param("--files-from list.txt -m demo --no-cache -o out.jsonl", marks=DEMO),
        pytest.param("explain {1} -m demo --json", marks=DEMO),
        pytest.param("explain {1} -m demo -o out/", marks=DEMO),
        pytest.param("grep -m demo jogging {}", marks=DEMO),
        "show {1}",
        "show {} -o out/",
        "{} --stride no",
        "{1} -o {1}",
        "{1} -m {1}",
        "{} --no-such-option",
        "models {1}",
        "labels {1}",
        "schema {1}",
    ],
)
def test_no_command_tells_a_password(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # It ends a batch at the first surprise.
    monkeypatch.setenv("VIDTAG_DEBUG", "" if "{}" in command else "1")
    monkeypatch.setenv("no_proxy", "*")
    urls = secret_urls()
    (tmp_path / "list.txt").write_text("\n".join(urls))
    for url in urls if "{1}" in command else [""]:
        words: list[str] = []
        for word in command.split():
            names = urls if "{}" in word else [url]
            words += [word.replace("{}", name).replace("{1}", name) for name in names]
            if "{" not in word:
                del words[-len(names) + 1 or len(words) :]
        monkeypatch.setattr("sys.argv", ["vidtag", *words])
        assert app.run() != 0, words
        told = "".join(capfd.readouterr())
        assert "S3C" not in told, (words, told)
    for path in (*tmp_path.rglob("*"), *Path(os.environ["VIDTAG_CACHE_DIR"]).glob("*.sqlite*")):
        if path.name != "list.txt":
            assert "S3C" not in path.name
            assert path.is_dir() or b"S3C" not in path.read_bytes(), path


@pytest.mark.slow
def test_no_result_holds_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In every format, on stdout and in files, also where the video is tagged twice."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "*")
    data = make_video(tmp_path / "a.mp4", num_frames=30).read_bytes()
    (tmp_path / "a.mp4").unlink()
    answers = {"a.mp4": lambda asked: asked.part(), "b.mp4": lambda asked: asked.part()}
    with OddServer(data, answers) as server:
        url = server.url("a.mp4", "me:S3CRET@")
        other = server.url("b.mp4", "me:S3C/RET@")
        every = [word for name in FORMATS for word in ("-f", name)]
        commands = [
            [url, "-m", "demo"],
            [url, "-m", "demo", "--json"],
            [url, other, "-m", "demo", "-o", "out/", "-v", *every],
            [url, other, "-m", "demo", "-o", "out.jsonl"],
            ["explain", url, "-m", "demo", "-o", "map.json"],
            ["grep", "-m", "demo", "--min-score", "0.01", "a", url],
        ]
        for command in commands:
            monkeypatch.setattr("sys.argv", ["vidtag", *command])
            code = app.run()
            told = "".join(capfd.readouterr())
            assert code == 0 or command[0] == "grep", (command, told)
            assert "S3C" not in told, command
    assert list(tmp_path.glob("out/*"))
    assert list(tmp_path.glob("map*"))
    for path in tmp_path.rglob("*"):
        assert "S3C" not in path.name
        assert path.is_dir() or b"S3C" not in path.read_bytes(), path
