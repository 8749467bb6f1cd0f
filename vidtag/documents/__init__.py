"""Results as they are stored."""
