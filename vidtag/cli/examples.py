"""Command lines to copy, as `-h`, `--help` and the manual show them."""

from collections.abc import Mapping

GREETING = """\
vidtag tells what people are doing in a video, and when.
  vidtag clip.mp4             a timeline of actions (fetches a 350 MB model)
  vidtag videos/ -r -o tags/  every video of a folder, into files
  vidtag clip.mp4 -m demo     at once, offline; knows drawn figures alone
Examples and the usual options: vidtag -h; everything: vidtag --help.
Models to choose from: vidtag models; find an action: vidtag grep -h."""
"""What somebody sees who types the name alone."""

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "tag": (
        ("vidtag clip.mp4 --top-k 5", "a timeline, with five labels"),
        ("vidtag videos/ -r -o tags/ -f json -f srt", "a folder, two files a video"),
        ("vidtag videos/ -r -o tags/ --skip-existing", "go on where it stopped"),
        ("vidtag clip.mp4 --json | jq '.summary'", "for other programs"),
        ('vidtag clip.mp4 --label "pouring milk"', "in your own words"),
        ("vidtag videos/ -o report/ -f html", "pages to look at"),
    ),
    "show": (
        ("vidtag show tags/clip.mp4.json", "the table again"),
        ("vidtag show tags/*.json -o report/ -f html", "pages, with an index"),
    ),
    "grep": (
        ("vidtag grep jogging videos/ -r", "where does somebody jog?"),
        ("vidtag grep -c kick tags/ -r", "count in stored documents, at once"),
        ("vidtag grep -l -Z '^push' videos/ -r | xargs -0 ls", "names for other programs"),
        ('vidtag grep "opening the till" videos/ -m xclip', "in your own words"),
    ),
    "cut": (
        ("vidtag cut jogging videos/ -r -o clips/", "each hit as a clip"),
        (
            "vidtag cut kick tags/ -o clips/ --exact --pad 0.5",
            "from stored documents, at the frame",
        ),
        ("vidtag cut '^push' clip.mp4 --reel pushes.mp4", "all hits in one file"),
    ),
    "watch": (
        ("vidtag watch rtsp://camera/stream", "what is happening now"),
        ("vidtag watch rtsp://camera/stream --only fall -o events.jsonl", "a line an event"),
        ("vidtag watch /dev/video0 -m demo --clips clips/", "and the video of it"),
        ("vidtag watch udp://@:1234 --exec 'mosquitto_pub -t vidtag -l'", "tell a home"),
    ),
    "explain": (
        ("vidtag explain clip.mp4 -o maps/", "the best segments, as animations"),
        ("vidtag explain clip.mp4 --at 1:30 -o map.gif", "one moment"),
    ),
    "eval": (
        ("vidtag eval clips/ -m MODEL", "a folder per label: how often is it right?"),
        ("vidtag eval labels.csv -m MODEL -o eval.html", "a page with the mistakes"),
        ("vidtag eval val.csv -m MODEL --views 5x3", "as papers do"),
    ),
    "compare": (
        ("vidtag compare videos/ -r --fast", "how much does --fast change?"),
        ("vidtag compare videos/ -r --precision int8", "and int8?"),
    ),
    "train": (
        ("vidtag train labelled/ -o my-model", "a folder per label: seconds to minutes"),
        ("vidtag train labels.csv -o my-model --full", "all weights: hours"),
        ("vidtag train export.json --videos videos/ -o my-model", "from Label Studio"),
    ),
    "pretrain": (
        ("vidtag pretrain footage/ -r -o my-encoder", "learn how your footage looks"),
        ("vidtag train labelled/ --from my-encoder --full -o my-model", "and go on from it"),
    ),
    "models": (
        ("vidtag models", "what there is"),
        ("vidtag models get base", "have it here before it is needed"),
    ),
    "labels": (
        ("vidtag labels", "what the default model can name"),
        ("vidtag labels --find kick", "is there a label for it?"),
    ),
    "config": (
        ("vidtag config", "which defaults are in force, and whence"),
        ("vidtag config --path", "the file that sets them"),
    ),
}
"""By command: a line, and what it is for."""
