"""Hits of a pattern made into clips, a reel and stills."""
