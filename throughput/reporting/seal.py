"""What a report says of its seal."""

from dataclasses import dataclass

SEAL_FIELD = "seal"


@dataclass(frozen=True)
class Seal:
    """By whom and how a report is about to be sealed: with a level that it reaches, or it is not made."""

    name: str
    profile: str
    level: str
    development: bool
