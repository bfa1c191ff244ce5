"""Puts a service together: from a blueprint and the settings to its application and its workers."""
