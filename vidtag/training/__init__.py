"""Your own actions: from labelled videos to a model folder.

`examples` turns labels and windows into rows to learn from, `head` fits a last layer to them and
tells how well it does on what it has not seen, `head_training` puts both in a line and writes the
model with its card. The encoder stays as it is.
"""
