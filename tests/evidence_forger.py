"""An evidence package in a forger's hands: taken apart, changed, put together again, and sealed anew."""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

from certs.authority import DevelopmentAuthority
from tests.anchored_log import sealed_offline, written
from workflow.evidence_package import MANIFEST, RUN, SEAL, SUMS

PDF, REPORT = "documents/declaration-1.pdf", "reports/declaration-1.json"
Members = dict[str, bytes]
Record = dict[str, Any]


def members_of(package: bytes) -> Members:
    with zipfile.ZipFile(BytesIO(package)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed(members: Members, *more: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of these members; `more` may repeat a name."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in (*members.items(), *more):
            archive.writestr(name, content)
    return out.getvalue()


@dataclass(frozen=True)
class Forger:
    """Who changes a package; with the keys of `authority` they seal what they made of it."""

    members: Members
    authority: DevelopmentAuthority

    # --- changing

    def put(self, name: str, content: bytes) -> "Forger":
        return replace(self, members={**self.members, name: content})

    def without(self, *names: str) -> "Forger":
        return replace(self, members={name: self.members[name] for name in self.members if name not in names})

    def told(self, change: Callable[[Any], None]) -> "Forger":
        """With another manifest."""
        manifest = json.loads(self.members[MANIFEST])
        change(manifest)
        return self.put(MANIFEST, json.dumps(manifest).encode())

    @property
    def records(self) -> list[Record]:
        return [json.loads(line)["event"] for line in self.members[RUN].splitlines()]

    def with_records(self, records: Sequence[Record], *, chained: bool = False) -> "Forger":
        """With other events; `chained`: made to follow one another."""
        return self.put(RUN, b"".join(_lines(records, chained=chained)))

    # --- making it look right

    def summed(self) -> "Forger":
        """The manifest's list and the sums fit the members again; the seal is the old one."""
        lists = (MANIFEST, SUMS, SEAL)
        digests = {name: sha256(self.members[name]).hexdigest() for name in self.members if name not in lists}
        fresh = self.told(lambda manifest: manifest.update(members=digests))
        digests[MANIFEST] = sha256(fresh.members[MANIFEST]).hexdigest()
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
        return fresh.put(SUMS, lines.encode())

    def sealed(self, credential: Any = None) -> "Forger":
        """All of it sealed anew: by the organisation, as somebody in the office could."""
        sealer = credential or self.authority.seal(now=datetime.now(UTC))
        now = datetime.now(UTC).isoformat()  # not before the certificate, which was made just now
        fresh = self.told(lambda manifest: manifest.update(made_at=now)).summed()
        return fresh.put(SEAL, sealed_offline(sealer, fresh.members[SUMS]))


def _lines(records: Sequence[Record], *, chained: bool) -> Iterator[bytes]:
    before = records[0]["prev"] if records else ""
    for record in records:
        text = written({**record, "prev": before} if chained else record)
        before = sha256(text).hexdigest()
        yield b'{"event":' + text + b"}\n"
