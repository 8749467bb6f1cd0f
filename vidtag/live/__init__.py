"""What is happening now: a source that goes on for ever, in; events, as they happen, out."""
