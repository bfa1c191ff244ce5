"""The looks at personal data that this service records: each of one household."""

from shared.contracts.identification import PersonalDataRevealed
from shared.vault.reveals import reveal_stream

REVEAL = reveal_stream(PersonalDataRevealed, owner="household_id")
"""A look as a stream: keyed by its household."""
