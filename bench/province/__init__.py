"""A province's year, lived through the public API by a simulated province: `make province`."""
