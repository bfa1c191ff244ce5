"""Evidence files: content-addressed, scanned, sealed under their owner's vault key."""
