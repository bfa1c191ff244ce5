"""Document numbers for made-up people."""

from datetime import date, timedelta

from shared.vault.documents import check_character


def number_of(person: int) -> str:
    """A valid document number for each person."""
    born = date(1940, 1, 1) + timedelta(days=person % 25_000)
    body = f"370114{born:%Y%m%d}{person // 25_000:03d}"
    return body + check_character(body)
