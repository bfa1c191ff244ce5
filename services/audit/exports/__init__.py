"""Exports of a filter: exactly what it shows, as a file for people, with a proof for every row."""
