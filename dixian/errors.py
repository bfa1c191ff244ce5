"""What keeps Dixian from starting or carrying on, said so that a person can put it right."""


class CannotStart(Exception):
    """Something outside the program is not as it must be; the message says what to do about it."""
