"""The events of every service: one definition each, no copies."""
