"""Which results contain an action: labels by pattern, hits in steps, as `grep` finds lines."""
