"""Addresses that mail can be sent to."""

from email.headerregistry import Address


def is_address(text: str) -> bool:
    """Whether mail can be sent to it: one plain address, in ASCII."""
    if not text.isascii() or len(text) > 254 or any(char in text for char in '\r\n "<>,;'):
        return False
    try:
        parsed = Address(addr_spec=text)
    except (ValueError, IndexError):
        return False
    return bool(parsed.username) and "." in parsed.domain.strip(".")
