"""Timestamp authorities: what they are called, and where they are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TimestampAuthority:
    """An RFC 3161 service over HTTP."""

    name: str
    url: str
