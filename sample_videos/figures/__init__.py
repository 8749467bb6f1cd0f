"""Drawn figures that act: the source of the demo model's training clips and sample videos.

`body` knows proportions and poses; `performing`, `exercises`, `pastimes` and `actions`
the movements and their labels; `drawing` pixels, `scenery` what stands behind the figure;
`shots`, `casting`, `staging`, `puppet` and `rendering` make pictures of a plan.
`dataset`, `batches`, `training`, `evaluation` and `card` make the demo model out of
them; `samples` writes the sample videos. None of them knows vidtag, and vidtag knows none.
"""
