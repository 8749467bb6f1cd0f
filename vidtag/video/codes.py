"""The stable words that errors and warnings about a video carry, each with its meaning.

The README's tables are made from these mappings.
"""

from collections.abc import Mapping

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
}
"""Code of a `VideoError` → what it means, in one line."""

WARNING_CODES: Mapping[str, str] = {
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
"""Code of a `Notice` → what it means, in one line."""
