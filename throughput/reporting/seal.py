"""What a report says of its seal."""

from dataclasses import dataclass
from typing import Self

from cryptography import x509

from certs.keystore import common_name, is_development
from signing.profile import Profile

SEAL_FIELD = "seal"


@dataclass(frozen=True)
class Seal:
    """By whom and how a report is about to be sealed: with a level that it reaches, or it is not made."""

    name: str
    profile: str
    level: str
    development: bool

    @classmethod
    def of(cls, certificate: x509.Certificate, profile: Profile) -> Self:
        """By whose certificate it will be, under a signing profile."""
        name, development = common_name(certificate), is_development(certificate)
        return cls(name, profile.name, str(profile.level), development)
