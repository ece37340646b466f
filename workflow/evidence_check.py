"""Check an evidence package: on any machine, without the office, its database or a network.

(1) every member is there, is the one that the list of digests names, and no other is
(2) the list is sealed by an organisation under a trusted root
(3) every document passes the whole validation, and the report beside it says the same
(4) the anchor holds, and the events up to it are the anchored ones
(5) the request's events among them are all of it so far, and name the documents by their digests
(6) personal parts, where there are any, are the ones that its events name

Nothing of the package is unpacked under a name of its own, and its manifest is believed in nothing that can
be found out.
"""

import base64
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from audit import verify_log
from certs.trust import TrustStore
from signing.verify.bulk import verify_paths
from signing.verify.report import Indication, Report
from workflow.evidence_package import (
    ANCHOR,
    BODIES,
    FORM,
    MANIFEST,
    PROOFS,
    README,
    RUN,
    SEAL,
    STATEMENT,
    SUMS,
)

MEMBERS_MOST = 10_000
MEMBER_BYTES_MOST = 256 * 1024 * 1024  # but the run, which is read a line at a time
BYTES_MOST = 16 * 1024 * 1024 * 1024
PIECE = 1024 * 1024
# What zipfile raises for a file whose own numbers are wrong.
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError),
)
_SUM = re.compile(r"([0-9a-f]{64})  ([!-~]+)")
_DOCUMENT = re.compile(r"documents/[A-Za-z0-9_-]+\.pdf")


_BY_THE_LOG = "It bears no signature and needs none: the log alone says that the office delivered it."


class Fault(StrEnum):
    """What can be wrong with a package."""

    MEMBER_CHANGED = "member-changed"
    """A member is not the one that the list of digests names, or can't be read."""
    MEMBER_MISSING = "member-missing"
    """A member that is named, or due, is not there."""
    MEMBER_UNKNOWN = "member-unknown"
    """A member is there that nothing names, or twice."""
    MANIFEST = "manifest"
    """The manifest says otherwise than what is there, or can't be read."""
    SEAL = "seal"
    """The seal does not hold."""
    DOCUMENT = "document"
    """A document is not what was signed."""
    REPORT = "report"
    """The report in the package is of another file, or says otherwise than this validation."""
    ANCHOR = "anchor"
    """The anchor does not hold."""
    EVENTS = "events"
    """The events are not the ones that were anchored."""
    REQUEST = "request"
    """The request's events do not begin or end as they should."""
    DIGEST = "digest"
    """The events do not name this document."""
    BODY = "body"
    """A personal part is not the one that the event names."""


@dataclass(frozen=True)
class Finding:
    """One fault, and the member that it is in."""

    fault: Fault
    member: str
    message: str


@dataclass
class PackageReport:
    """What was found."""

    request: int | None = None
    documents: list[Report] = field(default_factory=list)
    events: int = 0
    anchor: verify_log.Anchor | None = None
    sealed_by: str = ""
    vouched: bool = False
    """Whether a root to trust was named."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything holds, and somebody vouches for it."""
        return self.status == 0

    @property
    def status(self) -> int:
        """0 it holds; 1 it does not; 2 nothing is wrong, but not everything could be judged."""
        if self.findings:
            return 1
        judged = all(report.passed for report in self.documents)
        return 0 if judged and self.vouched else 2

    def find(self, fault: Fault, member: str, message: str) -> None:
        """Note a fault."""
        self.findings.append(Finding(fault, member, message))

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON."""
        anchor = self.anchor
        return {
            "ok": self.ok,
            "request": self.request,
            "documents": [
                {
                    "file": one.name,
                    "sha256": one.sha256_hex,
                    "indication": one.indication.value,
                    "sentence": one.sentence,
                }
                for one in self.documents
            ],
            "events": self.events,
            "anchor": None
            if anchor is None
            else {
                "kind": anchor.kind,
                "head": f"{anchor.seq}:{anchor.hash}",
                "at": anchor.at,
                "by": anchor.by,
            },
            "sealed_by": self.sealed_by or None,
            "vouched": self.vouched,
            "findings": [asdict(one) for one in self.findings],
        }


def check_package(source: Path | IO[bytes], trust: TrustStore, *, now: datetime) -> PackageReport:
    """Check a package; never raises for what it finds. Raises ValueError for what is no package."""
    try:
        with zipfile.ZipFile(source) as package:
            return _Check(package, trust, now).run()
    except _UNREADABLE as error:
        raise ValueError(error) from error


class _Check:
    """One package being looked at."""

    def __init__(self, package: zipfile.ZipFile, trust: TrustStore, now: datetime) -> None:
        self.package, self.trust, self.now = package, trust, now
        self.roots = (*trust.anchors, *trust.intermediates)
        self.report = PackageReport(vouched=bool(trust.anchors))
        self.find = self.report.find
        usual = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        for info in package.infolist():
            if info.compress_type not in usual:
                self.find(Fault.MEMBER_CHANGED, info.filename, "It is compressed in a way that is not ours.")
        self.members = {info.filename: info for info in package.infolist() if info.compress_type in usual}
        self.manifest: dict[str, Any] = {}

    def run(self) -> PackageReport:
        """All of it, in order."""
        infos = self.package.infolist()
        too_much = len(infos) > MEMBERS_MOST or sum(info.file_size for info in infos) > BYTES_MOST
        if MANIFEST not in self.members or too_much:
            raise ValueError(f"it holds no {MANIFEST}, or far too much")
        self._read_manifest()
        self._check_members()  # (1)
        self._check_seal()  # (2)
        self._check_documents()  # (3)
        self._check_log()  # (4), (5), (6)
        return self.report

    # --- the manifest

    def _content(self, name: str) -> bytes:
        """A member's bytes; empty when it is not there, can't be read or is far too large: that is found."""
        info = self.members.get(name)
        if info is None or info.file_size > MEMBER_BYTES_MOST:
            return b""
        try:
            return self.package.read(info)
        except _UNREADABLE:
            return b""

    def _read_manifest(self) -> None:
        try:
            said = json.loads(self._content(MANIFEST))
            self.made_at = datetime.fromisoformat(said["made_at"]).astimezone(UTC)
            fits = said["paraaf"] == FORM and type(said["request"]["id"]) is int
            fits = fits and type(said["log"]) is dict and bool(said["documents"])
            fits = fits and all(map(_is_document, said["documents"]))
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            fits = False
        if not fits:
            self.find(Fault.MANIFEST, MANIFEST, f"It is no manifest of the form {FORM}.")
            return
        self.manifest = said
        self.report.request = said["request"]["id"]

    # --- (1) members

    def _check_members(self) -> None:
        named = self._sums()
        self._compare_names(set(named))
        for name in named.keys() & self.members.keys():
            if self._digest(name) != named[name]:
                self.find(Fault.MEMBER_CHANGED, name, f"It is not the one that {SUMS} names.")
        told = self.manifest.get("members")
        if self.manifest and told != {name: digest for name, digest in named.items() if name != MANIFEST}:
            self.find(Fault.MANIFEST, MANIFEST, f"Its list of members is not that of {SUMS}.")

    def _sums(self) -> dict[str, str]:
        lines = self._content(SUMS).decode("ascii", "replace").splitlines()
        matches = [_SUM.fullmatch(line) for line in lines]
        named = {match[2]: match[1] for match in matches if match}
        if len(named) != len(lines):
            self.find(Fault.MEMBER_CHANGED, SUMS, "It is no list of digests, or names a member twice.")
        return named

    def _compare_names(self, named: set[str]) -> None:
        due = {MANIFEST, README, RUN, ANCHOR, STATEMENT, SUMS, SEAL}
        for one in self.manifest.get("documents", ()):
            due |= {one["file"], _report_of(one["file"])}
        there = set(self.members)
        for name in sorted((named | due) - there):
            self.find(Fault.MEMBER_MISSING, name, "It is not there.")
        for name in sorted(there - named - {SUMS, SEAL}):
            self.find(Fault.MEMBER_UNKNOWN, name, f"{SUMS} does not name it.")
        documents = {name for name in there if name.startswith("documents/")}
        for name in sorted((documents & named) - due):
            self.find(Fault.MEMBER_UNKNOWN, name, "The manifest knows no such document.")
        if len(self.package.namelist()) != len(set(self.package.namelist())):
            self.find(Fault.MEMBER_UNKNOWN, "", "There are two members of one name.")

    def _digest(self, name: str) -> str:
        digest = sha256()
        try:
            with self.package.open(self.members[name]) as member:
                for piece in iter(partial(member.read, PIECE), b""):
                    digest.update(piece)
        except _UNREADABLE:
            return ""
        return digest.hexdigest()

    # --- (2) the seal

    def _check_seal(self) -> None:
        if not self.manifest or SEAL not in self.members:
            return  # told already
        try:
            at = self.made_at
            by = verify_log.sealed_by(self._content(SUMS), self._content(SEAL), at, self.roots, self.now)
        except verify_log.Unusable as error:
            self.find(Fault.SEAL, SEAL, str(error))
        else:
            self.report.sealed_by = by

    # --- (3) the documents

    def _check_documents(self) -> None:
        told = [one for one in self.manifest.get("documents", ()) if one["file"] in self.members]
        with TemporaryDirectory(prefix="paraaf-evidence-") as folder:
            paths = [Path(folder) / f"{number}.pdf" for number, _ in enumerate(told)]
            for one, path in zip(told, paths, strict=True):
                path.write_bytes(self._content(one["file"]))
            for one, found in zip(told, verify_paths(paths, self.trust, now=self.now), strict=True):
                self._check_document(one, replace(found, name=one["file"], duration_us=0))

    def _check_document(self, told: Mapping[str, Any], found: Report) -> None:
        self.report.documents.append(found)
        if found.indication is Indication.FAILED:
            self.find(Fault.DOCUMENT, found.name, found.sentence)
        if told.get("sha256") != found.sha256_hex:
            self.find(Fault.MANIFEST, MANIFEST, f"It names another digest than that of {found.name}.")
        name = _report_of(found.name)
        try:
            packed = json.loads(self._content(name))
            same = (packed["sha256"], len(packed["signatures"])) == (found.sha256_hex, len(found.signatures))
            same = same and not _contradict(packed["indication"], found.indication)
        except (ValueError, TypeError, KeyError, RecursionError):
            same = False
        if not same:
            self.find(Fault.REPORT, name, "It is of another file, or says otherwise than this validation.")

    # --- (4) the log

    def _check_log(self) -> None:
        anchor = self._anchor()
        if anchor is None or RUN not in self.members or not self.manifest:
            return
        story = _Story(self.manifest["request"]["id"])
        found = verify_log.verify_run(story.heard(self._lines(RUN)), anchor, now=self.now)
        self.report.events = found.events
        wrong = [one for one in found.findings if one.fault is not verify_log.Fault.CLOCK]
        for one in wrong[:10]:
            self.find(Fault.EVENTS, RUN, f"event {one.seq}: {one.fault}: {one.message}")
        if not wrong and found.head != f"{anchor.seq}:{anchor.hash}":
            self.find(Fault.EVENTS, RUN, "The events do not end at the anchored one.")
        self._check_story(story)

    def _anchor(self) -> verify_log.Anchor | None:
        line = self._content(ANCHOR)
        try:
            with TemporaryDirectory(prefix="paraaf-evidence-") as folder:
                path = Path(folder) / "anchor"
                path.write_bytes(line)
                anchor = verify_log.outside_anchor(str(path), self.roots, self.now)
        except verify_log.Unusable as error:
            self.find(Fault.ANCHOR, ANCHOR, str(error).replace(str(path), ANCHOR))
            return None
        self.report.anchor = anchor
        said = json.loads(line)["anchor"]
        if said["statement"].encode() != self._content(STATEMENT):
            self.find(Fault.ANCHOR, STATEMENT, "It is not the anchor's.")
        if base64.b64decode(said["proof"]) != self._content(PROOFS.get(anchor.kind, "")):
            self.find(Fault.ANCHOR, PROOFS.get(anchor.kind, ANCHOR), "It is not the anchor's.")
        head = {"seq": anchor.seq, "hash": anchor.hash}
        if self.manifest and self.manifest["log"].get("head") != head:
            self.find(Fault.MANIFEST, MANIFEST, "It names another head than the anchor.")
        return anchor

    def _lines(self, name: str) -> Iterator[bytes]:
        """A member's lines; it ends early when it can't be read, which was found already."""
        try:
            with self.package.open(self.members[name]) as member:
                yield from iter(partial(member.readline, verify_log.LINE_MAX), b"")
        except _UNREADABLE:
            return

    # --- (5) the request's events

    def _check_story(self, story: "_Story") -> None:
        if not story.begins:
            self.find(Fault.REQUEST, RUN, "The events do not begin with the first of the request.")
        if story.last != self.manifest["log"].get("last_of_request"):
            self.find(Fault.REQUEST, RUN, "The request's last event is another than the manifest says.")
        digests = {report.name: report.sha256_hex for report in self.report.documents}
        for one in self.manifest["documents"]:
            digest = digests.get(one["file"])
            last = story.signed.get(one["document"]) or story.unsigned.get(one["document"])
            if last != (one["revision"], digest):
                message = (
                    "No event says that it was signed as it is here, as the last of what was done to it."
                )
                self.find(Fault.DIGEST, one["file"], message)
            if (digest in story.delivered) is not one.get("delivered"):
                self.find(Fault.DIGEST, one["file"], "Whether it was delivered, the events say otherwise.")
        self.report.documents = [
            replace(one, sentence=_BY_THE_LOG) if self._by_the_log(one, story) else one
            for one in self.report.documents
        ]
        self._check_bodies(story)

    @staticmethod
    def _by_the_log(report: Report, story: "_Story") -> bool:
        """Whether a document has no signature, and the log says that it was delivered so."""
        digests = {digest for _, digest in story.unsigned.values()}
        return not report.signatures and report.sha256_hex in digests

    # --- (6) personal parts

    def _check_bodies(self, story: "_Story") -> None:
        if (BODIES in self.members) is not self.manifest.get("with_bodies"):
            self.find(Fault.MANIFEST, MANIFEST, "It says otherwise whether personal parts are here.")
        if BODIES not in self.members:
            return
        found = {}
        for line in self._lines(BODIES):
            try:
                said = json.loads(line)["body"]
                found[said["seq"]] = story.erased(said["seq"]) if said.get("erased") else _body_digest(said)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.find(Fault.BODY, BODIES, "A line is no personal part.")
        for seq in sorted(story.bodies.keys() | found.keys(), key=str):
            if found.get(seq) != story.bodies.get(seq):
                self.find(Fault.BODY, BODIES, f"The personal part of event {seq} is not the one it names.")


def _is_document(said: Any) -> bool:
    """Whether it is a document as the manifest tells of one."""
    types = {"file": str, "document": str, "revision": int, "delivered": bool}
    return all(type(said[name]) is kind for name, kind in types.items()) and bool(
        _DOCUMENT.fullmatch(said["file"])
    )


def _contradict(packed: object, found: Indication) -> bool:
    """Whether the one says yes and the other no. A file that could be judged then need not be so for ever."""
    yes_or_no = {Indication.PASSED.value, Indication.FAILED.value}
    if packed not in set(Indication):
        return True
    return packed != found.value and {packed, found.value} <= yes_or_no


def _report_of(file: str) -> str:
    return f"reports/{file.removeprefix('documents/').removesuffix('.pdf')}.json"


def _body_digest(said: Mapping[str, Any]) -> str:
    return sha256(bytes.fromhex(said["salt"]) + said["text"].encode()).hexdigest()


class _Story:
    """What the events of one request say, heard while the run goes by."""

    def __init__(self, request: int) -> None:
        self.request = request
        self.count = 0
        self.begins = False
        self.last: int | None = None
        self.signed: dict[str, tuple[int, str] | None] = {}
        """Of each document the revision and digest after its last signature; None when drawn anew since,
        unless it was delivered before."""
        self.delivered: set[str] = set()
        self.drawn: dict[str, tuple[int, str]] = {}
        """Of each document the revision and digest as it was drawn last."""
        self.unsigned: dict[str, tuple[int, str]] = {}
        """Of each document that was delivered as it was drawn: it needs no signature."""
        self.bodies: dict[int, str] = {}
        self.told_erased: set[int] = set()

    def heard(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines as they are, once their events were listened to."""
        for line in lines:
            self.count += 1
            if self.count == 1 or b'"request":%d,' % self.request in line:
                self._hear(line)
            yield line

    def _hear(self, line: bytes) -> None:
        try:
            record = json.loads(line)["event"]
            if record["request"] != self.request:
                return
            kind, seq = record["type"], record["seq"]
            self.last = seq
            if self.count == 1:  # what it was handed in with the first time, and never again
                self.begins = kind == "request_submitted" and "unit" in record
            if "body" in record:
                self.bodies[seq] = record["body"]
            if kind == "personal_data_erased":
                self.told_erased |= set(record["erased"])
            elif kind == "document_rendered":
                self._rendered(record["document"])
                self.drawn[record["document"]] = (record["revision"], record["sha256"])
            elif kind in ("document_signed", "document_imported"):
                self.signed[record["document"]] = (record["revision"], record["sha256"])
            elif kind == "document_renewed":
                self._renewed(record)
            elif kind == "document_delivered":
                self.delivered.add(record["sha256"])
                self.unsigned |= {name: one for name, one in self.drawn.items() if one[1] == record["sha256"]}
        except (ValueError, TypeError, KeyError, RecursionError):
            return  # an event that can't be read is found by who verifies the run

    def _rendered(self, document: str) -> None:
        """It is drawn anew: what was signed is given up, but not what was delivered."""
        last = self.signed.get(document)
        if last is None or last[1] not in self.delivered:
            self.signed[document] = None

    def _renewed(self, record: Mapping[str, Any]) -> None:
        """Its file has one more archive timestamp: what was signed and delivered is that file now."""
        if self.signed.get(record["document"]) == (record["revision"], record["renewed"]):
            self.signed[record["document"]] = (record["revision"], record["sha256"])
            if record["renewed"] in self.delivered:
                self.delivered.add(record["sha256"])

    def erased(self, seq: int) -> str | None:
        """The digest of a personal part that was erased, when an event says so."""
        return self.bodies.get(seq) if seq in self.told_erased else None
