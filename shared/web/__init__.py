"""The door: one application factory, one answer for every refusal, one way to be known."""
