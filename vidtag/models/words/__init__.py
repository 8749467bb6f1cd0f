"""Video-text models: labels in the user's own words, compared with what a window shows."""
