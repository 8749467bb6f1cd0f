"""The pipeline: what is asked of a video, its windows, their scores, and the document of it."""
