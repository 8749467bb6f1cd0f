"""From scores of windows to steps and segments of time. NumPy alone."""
