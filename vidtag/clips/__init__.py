"""Frames to clips: where windows lie, which frames they take, and their pixels for a model."""
