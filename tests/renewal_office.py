"""An office whose clock is moved, with a timestamp authority whose certificates end soon and are renewed.

The authority answers on loopback, at the address in its certificates, by the same moved clock.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.authority import DevelopmentAuthority
from certs.authority_thread import answering
from tests.steps_office import KeyedOffice, Sample
from workflow.renewals import Renewals
from workflow.tables import DocumentRow

DAY = timedelta(days=1)


@dataclass
class Clock:
    """Now, and so much later."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def new_stamper(folder: Path, clock: Clock, *, days: int) -> datetime:
    """Give the authority a timestamp certificate that ends in so many days; when that is."""
    authority = DevelopmentAuthority.open(folder)
    credential = authority.issue(
        "Timestamp authority",
        now=clock(),
        not_after=clock() + days * DAY,
        key_usage=frozenset({"digital_signature"}),
        eku=(ExtendedKeyUsageOID.TIME_STAMPING,),
    )
    authority._issuer._save("tsa.pem", credential)
    return credential.certificate.not_valid_after_utc


@dataclass
class Archive:
    """An office with one sealed, delivered document of B-LTA, whose archive timestamp ends in 30 days."""

    sample: Sample
    clock: Clock
    request_id: int
    ends: datetime

    @classmethod
    def make(
        cls, folder: Path, environ: Mapping[str, str] | None = None, *, variant: str = "A3"
    ) -> "Archive":
        sample, clock = Sample.open(folder, environ), Clock()
        ends = new_stamper(sample.office.authority.folder, clock, days=30)
        with answering(sample.office.authority.folder, clock):
            number = sample.submit(variant)
            asyncio.run(sample.run_until("delivered", number))
        return cls(sample, clock, number, ends)

    def deliver_another(self, variant: str = "A3") -> int:
        """A further document, under the authority's first certificate; its request's number."""
        with self.answering():
            number = self.sample.submit(variant)
            asyncio.run(self.sample.run_until("delivered", number))
        return number

    @property
    def office(self) -> KeyedOffice:
        """By the moved clock."""
        return replace(self.sample.office, clock=self.clock)

    @property
    def renewals(self) -> Renewals:
        return self.office.renewals

    def later(self, *, days: int) -> None:
        self.clock.ahead += days * DAY

    def answering(self) -> AbstractContextManager[None]:
        return answering(self.office.authority.folder, self.clock)

    def new_stamper(self, *, days: int) -> datetime:
        return new_stamper(self.office.authority.folder, self.clock, days=days)

    @property
    def document(self) -> DocumentRow:
        return self.sample.documents(self.request_id)[-1]

    @property
    def pdf(self) -> bytes:
        return self.office.blobs.get(self.document.current_sha256)
