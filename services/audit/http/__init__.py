"""The door: the log for anybody's tools, the trail for inspectors, the gates for the levels."""
