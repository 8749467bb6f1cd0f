"""A video-text model of the drawn figures: phrases, captions, training, evaluation, card.

`phrases` and `other_phrases` list what is said, `captions` the grammar that makes
sentences of it, `tokens` the tokenizer; `clips` says which clips are rendered, `network` builds
transformers' X-CLIP with what only its training needs, `batches` and `training` teach it,
`asking`, `evaluation` and `card` judge it.
"""
