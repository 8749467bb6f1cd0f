"""Drawn figures that act: the source of the demo model's training clips and sample videos.

`body` knows proportions and poses; `performing`, `exercises`, `pastimes`, `others` and `actions`
the movements and their labels; `drawing` pixels, `scenery` what stands behind the figure;
`shots`, `casting`, `staging`, `puppet` and `rendering` make pictures of a plan.
`dataset`, `batches`, `training`, `evaluation` and `card` make the demo model out of
them, `words` the one for own words; `samples` writes the sample videos. None of them knows
vidtag, and vidtag knows none.
"""
