"""``dixian demo``: one household walked through a running system, over HTTP and nothing else."""
