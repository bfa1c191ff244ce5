"""The append-only log of every event, with proofs; the correction gates; who looked at what."""
