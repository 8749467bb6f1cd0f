"""Which files of a folder count as videos, by their names."""

import os

# fmt: off
VIDEO_EXTENSIONS = frozenset(
    {
        ".264", ".265", ".360", ".3g2", ".3gp", ".3gp2", ".3gpp", ".3gpp2", ".amv", ".asf",
        ".avc", ".avi", ".avif", ".avifs", ".cmfv", ".dav", ".dif", ".divx", ".dv", ".dvr-ms",
        ".evo", ".f4v", ".flv", ".gxf", ".h261", ".h263", ".h264", ".h265", ".h266", ".heics",
        ".heifs", ".hevc", ".insv", ".ismv", ".ivf", ".lrf", ".lrv", ".m1v", ".m2p", ".m2t",
        ".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mod", ".mov",
        ".mp2v", ".mp4", ".mp4v", ".mpe", ".mpeg", ".mpg", ".mpv", ".mqv", ".mts", ".mxf", ".nsv",
        ".nut", ".nuv", ".obu", ".ogm", ".ogv", ".ogx", ".pva", ".qt", ".rm", ".rmvb", ".rv",
        ".tod", ".tp", ".trp", ".ts", ".ty", ".vob", ".vro", ".vvc", ".webm", ".wm", ".wmv",
        ".wtv", ".y4m",
    }
)
# fmt: on
"""What is taken from folders, whatever its case. Left out are pictures (also animated ones, but for
AVIF, which may be an image sequence), sound, and `.dat` and `.bin`, which are seldom videos; named
explicitly, these are tried too."""


def is_video_name(path: str) -> bool:
    """Tell whether a file of this name is taken from a folder.

    >>> is_video_name("a/CLIP.MP4"), is_video_name("a/clip.mp4.json")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in VIDEO_EXTENSIONS
