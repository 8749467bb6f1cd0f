"""HTML pages over result documents: one per video, and an index for a batch.

A page is one file: no network, no script or style from elsewhere, opened straight from disk.
`page` writes that of a video, `index` that of a batch; `lanes`, `looks` and `moments` say what is
shown and how, `thumbnails` takes pictures from the video, and `downloads` and `embedding` put files
and the video itself into a page. Nothing is imported here, so that only a run that asks for pages
loads the template engine.
"""
