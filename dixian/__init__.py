"""The command line, and all services together in one process."""
