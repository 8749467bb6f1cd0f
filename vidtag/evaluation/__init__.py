"""How well a model does on labelled videos: measures, what runs them, and their page.

`accuracy`, `per_second`, `overlap`, `detection` and `confidence` are measures: NumPy alone, a few
lines each, no video and no model; `intervals` says how far to trust any of them. `running` makes
outcomes of videos, `views` in the way of papers; `figures` puts all measures of them together,
which `tables`, `page` and JSON show. `temperature` keeps what was calibrated beside the weights.
"""
