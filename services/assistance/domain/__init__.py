"""What assistance decides: pure, reads nothing, writes nothing."""
