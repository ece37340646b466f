"""What a report says of its seal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509

from certs.keystore import common_name, is_development
from documents.stamp import stamp_lines
from documents.words import words_in
from signing.profile import Profile
from signing.stamp import Appearance

SEAL_FIELD = "seal"


@dataclass(frozen=True)
class Seal:
    """By whom and how a report is about to be sealed: with a level that it reaches, or it is not made."""

    name: str
    profile: str
    level: str
    development: bool
    by_person: bool = False

    @classmethod
    def of(cls, certificate: x509.Certificate, profile: Profile) -> Self:
        """By whose certificate it will be, under a signing profile."""
        name, development = common_name(certificate), is_development(certificate)
        by_person = profile.kind not in ("seal", "click")
        return cls(name, profile.name, str(profile.level), development, by_person)

    def stamp(self, language: str, at: datetime) -> Appearance:
        """What the seal says of itself on the page, in the report's language."""
        return Appearance(
            stamp_lines(
                words_in(language),
                signed_as="person" if self.by_person else "seal",
                person=self.name,
                organisation=self.name,
                at=at,
                level=self.level,
                development=self.development,
            )
        )
