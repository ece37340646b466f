"""A log with anchors for the tests, by the development authority; and a forger's view of its export."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import text

from certs.authority import DevelopmentAuthority
from signing.profile import packaged_profiles
from signing.signers import SoftwareSigner
from tests.signing_samples import open_desk
from workflow import anchors
from workflow.anchors import Anchor, Statement
from workflow.canonical import encode
from workflow.eventlog import GENESIS, Appender, Head, erase_bodies
from workflow.logexport import Export
from workflow.store import Store

REQUESTS = 6
PROFILE = "organisation-seal"
Record = dict[str, Any]


def new_store(folder: Path, environ: Mapping[str, str] | None = None) -> Store:
    """An empty log, with requests that its events can be of."""
    store = Store.open(folder, environ=environ or {})
    columns = (
        "id,key,variant,definition_sha256,state,version,step_seq,requester_id,unit,language,data,data_sha256,"
        "opened_at"
    )
    with store.write() as session:
        session.execute(text("INSERT INTO people (id, name, unit, active) VALUES ('p', 'P', 'u', true)"))
        session.execute(
            text(
                "INSERT INTO definitions (sha256_hex, key, variant, version, source)"
                " VALUES ('d', 'k', 'v', 1, '')"
            )
        )
        for number in range(1, REQUESTS + 1):
            session.execute(
                text(
                    f"INSERT INTO requests ({columns}) VALUES"  # noqa: S608  our own words
                    f" ({number},'k','v','d','s',1,1,'p','u','en','{{}}','','2026-11-20 09:00:00')"
                )
            )
    return store


def append(store: Store, number: int, *, at: datetime | None = None) -> None:
    """Events of all requests in turn, each with a body."""
    with store.write() as session:
        log = Appender.lock(session, lambda size: sha256(b"%d" % log.head.seq).digest()[:size])
        for _ in range(number):
            request = log.head.seq % REQUESTS + 1
            log.append(
                "request_advanced",
                at=at or datetime.now(UTC),
                request_id=request,
                facts={"key": "k", "variant": "v", "from": "a", "to": "b", "task": log.head.seq},
                body={"actor": f"person-{log.head.seq}"},
            )
        log.write()


def append_notes(store: Store, number: int, *, at: datetime) -> None:
    """Events of no request: for a log without anything around it."""
    with store.write() as session:
        log = Appender.lock(session, bytes)
        for _ in range(number):
            log.append("noted", at=at, request_id=None, facts={})
        log.write()


def erase(store: Store, request_id: int) -> None:
    with store.write() as session:
        log = Appender.lock(session, bytes)
        erase_bodies(log, session, request_id, at=datetime.now(UTC))
        log.write()


def make_anchor(authority: DevelopmentAuthority, statement: Statement, kind: anchors.Kind) -> Anchor:
    """An anchor over a statement, by the development authority, whose server runs."""
    profile = packaged_profiles()[PROFILE]

    async def made() -> Anchor:
        async with open_desk(authority) as desk:
            if kind == "timestamp":
                return await anchors.timestamped(statement, desk, profile)
            signer = SoftwareSigner(authority.seal(now=datetime.now(UTC)))
            return await anchors.sealed(statement, desk, profile, signer)

    return asyncio.run(made())


def anchor(store: Store, authority: DevelopmentAuthority, kind: anchors.Kind) -> Anchor:
    """Anchor the head of a log, and keep it."""
    with store.read() as session:
        statement = Statement.of(session, at=datetime.now(UTC))
    made = make_anchor(authority, statement, kind)
    with store.write() as session:
        anchors.keep(session, made)
    return made


def exported(store: Store, *, with_bodies: bool) -> list[bytes]:
    with store.read() as session:
        export = Export.begin(session, with_bodies=with_bodies)
        return list(export.lines(now=datetime.now(UTC)))


def seal_offline(authority: DevelopmentAuthority, statement: Statement) -> Anchor:
    """A real seal of the organisation over any statement, without a network: for many of them."""
    proof = sealed_offline(authority.seal(now=datetime.now(UTC)), statement.text.encode())
    return Anchor("seal", statement.head, statement.at, statement.text, proof)


def sealed_offline(credential: Any, content: bytes) -> bytes:
    """A detached signature over any bytes, by any credential, without a network."""
    from signing.cms import template_for
    from signing.signers import mechanism_for

    chain = (credential.certificate, *credential.chain)
    ders = tuple(_der(certificate) for certificate in chain)
    template = template_for(ders, mechanism_for(credential.certificate))
    attributes = template.signed_attributes(sha256(content).digest())
    value = asyncio.run(SoftwareSigner(credential).sign(attributes, "sha256"))
    return template.content_info(attributes, value, timestamp_token=None)


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.DER))


@dataclass(frozen=True)
class Forgery:
    """An export taken apart, as a forger has it: changed in its parts and put together again."""

    records: tuple[bytes, ...]
    anchors: tuple[bytes, ...]
    bodies: tuple[bytes | None, ...] = field(default=())
    header: Record = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Sequence[bytes]) -> "Forgery":
        records: list[bytes] = []
        bodies: list[bytes | None] = []
        for line in lines:
            if line.startswith(b'{"event":'):
                records.append(line[len(b'{"event":') : -2])
                bodies.append(None)
            elif line.startswith(b'{"body":'):
                bodies[-1] = line
        held = tuple(line for line in lines if line.startswith(b'{"anchor":'))
        return cls(tuple(records), held, tuple(bodies), json.loads(lines[0])["paraaf"])

    def with_records(self, records: Iterable[bytes], **header: Any) -> "Forgery":
        """Other records, under a first line that fits them, unless it is said otherwise."""
        kept = tuple(records)
        last = sha256(kept[-1]).hexdigest() if kept else GENESIS
        head = {"seq": json.loads(kept[-1])["seq"] if kept else 0, "hash": last}
        told = {**self.header, "head": head, "events": len(kept), **header}
        return replace(self, records=kept, bodies=(None,) * len(kept), header=told)

    def with_body(self, seq: int, body: bytes | None) -> "Forgery":
        bodies = list(self.bodies)
        bodies[seq - 1] = body
        return replace(self, bodies=tuple(bodies))

    def with_anchors(self, held: Iterable[bytes]) -> "Forgery":
        return replace(self, anchors=tuple(held), header={**self.header, "anchors": len(tuple(held))})

    def record(self, seq: int) -> Record:
        return dict(json.loads(self.records[seq - 1]))

    def lines(self) -> list[bytes]:
        found = [encode({"paraaf": self.header}).encode() + b"\n", *self.anchors]
        for record, body in zip(self.records, self.bodies, strict=True):
            found.append(b'{"event":' + record + b"}\n")
            if body is not None:
                found.append(body)
        return found


def written(record: Record) -> bytes:
    return encode(record).encode()


def rechained(records: Sequence[Record], since: int) -> list[bytes]:
    """The records as they have to be written to agree with each other from the one numbered `since` on."""
    found: list[bytes] = []
    last = GENESIS
    for number, record in enumerate(records, 1):
        text_of = written(record if number < since else {**record, "seq": number, "prev": last})
        last = sha256(text_of).hexdigest()
        found.append(text_of)
    return found


def head_of(records: Sequence[bytes]) -> Head:
    return Head(len(records), sha256(records[-1]).hexdigest())
