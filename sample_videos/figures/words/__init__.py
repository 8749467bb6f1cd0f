"""A video-text model of the drawn figures: phrases, captions, training, evaluation, card.

`phrases` is the list of what is said about each action, `captions` the grammar that makes
sentences of it, `tokens` the tokenizer; `clips` says which clips are rendered, `network` builds
transformers' X-CLIP with what only its training needs, `batches` and `training` teach it,
`asking`, `evaluation` and `card` judge it.
"""
