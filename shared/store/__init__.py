"""The event store and the one way through it: load, fold, decide, append, project, commit."""
