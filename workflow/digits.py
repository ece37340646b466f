"""Whole numbers in what was sent: one way to read them, which reads nothing that only looks like one."""


def whole(said: object, most: int) -> int | None:
    """The number that is written in plain digits, from 0 to `most`; None for whatever else was said."""
    if not (isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) <= len(str(most))):
        return None
    number = int(said)
    return number if number <= most else None
