"""The command line, and the composition of all services: in one process, or as a cluster."""
