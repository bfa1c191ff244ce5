"""Reference data in SQL, so that a service's queries can join it: the divisions by name."""
