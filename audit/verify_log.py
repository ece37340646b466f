"""Verify an export of the event log, offline: `python verify_log.py EXPORT --trust ROOT.pem`.

This file is meant to be read before it is believed, and it runs alone: it needs Python 3.11 or later, and
the packages cryptography and asn1crypto. It shares no code with the program that wrote the log. The format
that it reads, and what it promises, is in docs/auditing.md. In short, every line of the export is one of

  {"paraaf":{…}}   first line: format, number of events and anchors, the head that the export ends at
  {"anchor":{…}}   a head of the log that was sealed or timestamped; all of them stand before the events
  {"event":R}      an event; its hash is the SHA-256 of the bytes R, and the next event names it as "prev"
  {"body":{…}}     the personal part of the event before it; only in an export with bodies

  (1) every line is read strictly, and every R is canonical JSON (RFC 8785)
  (2) the events are numbered 1, 2, 3 …; each names the hash of the one before; the last is the head
  (3) every body is the one that its event names; an erased one is told of by a later event of the request
  (4) every anchor: the signature, what it is over, whose it is, when; and that the event it names is there
  (5) what no anchor covers is said: there the log only agrees with itself

Sources: RFC 8785; RFC 5652 (CMS); RFC 3161 and RFC 5816 (timestamps); RFC 5280, section 6.1 (chains).
"""

import argparse
import base64
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

try:
    from datetime import UTC, datetime, timedelta
    from enum import StrEnum

    from asn1crypto import cms, tsp
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError as error:  # without them nothing was found out: that is not "it does not hold"
    if __name__ != "__main__":
        raise
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
        sys.exit(0)
    print(f"This needs Python 3.11 or later, cryptography and asn1crypto: {error}.", file=sys.stderr)
    sys.exit(2)

FORMAT = "events/1"
STATEMENT = "event-log-head/1"
SALT_BYTES = 16
GENESIS = "0" * 64  # what the first event names as the one before it
BATCH = 100
LINE_MAX = 64 * 1024 * 1024
FINDINGS_MAX = 100
CLOCKS_MAX = 20  # warnings leave room for what is wrong
TOLERANCE = timedelta(minutes=5)  # by which clocks may differ
PATH_MAX = 8
# An honest proof holds a handful of certificates, and its way to the root needs as many checks.
CERTIFICATES_MAX = 50
CHECKS_MAX = 500
# With longer ones one check takes a second. OpenSSL has the same bound for exponents, for long keys alone.
RSA_BITS_MAX, EXPONENT_BITS_MAX = 8192, 64
ANCHOR_BYTES_MAX = 1024 * 1024  # an honest one takes some ten thousand
EVENT, BODY = b'{"event":', b'{"body":'
TIME_LENGTH = len("2026-11-20T09:00:00.000000Z")
# What a seal's certificate may be for, when it says so: documents, mail (whose signatures are the same), all;
# the first is RFC 9336's, then Microsoft's and Adobe's.
FOR_SEALS = frozenset(
    (
        "1.3.6.1.5.5.7.3.36",
        "1.3.6.1.4.1.311.10.3.12",
        "1.2.840.113583.1.1.5",
        ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string,
    )
)
BESIDE_SEALS = frozenset((ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string,))
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class Fault(StrEnum):
    """What can be wrong."""

    UNREADABLE = "unreadable"
    """A line is not what the format asks for, or the file is cut off."""
    NOT_CANONICAL = "not-canonical"
    """An event is not written in canonical JSON, or repeats a name."""
    NUMBERING = "numbering"
    """Another number was due here: removed, inserted, repeated or reordered."""
    UNCHAINED = "unchained"
    """It does not name the event before it as that stands now."""
    HEAD = "head"
    """The events end otherwise than the first line says."""
    BODY_CHANGED = "body-changed"
    """The personal part is not the one that the event names."""
    BODY_MISSING = "body-missing"
    """The personal part is not there, and was not erased."""
    BODY_UNCALLED = "body-uncalled"
    """There is a personal part that the event says nothing of."""
    ERASED_UNTOLD = "erased-untold"
    """The personal part is erased, and no later event of the request says so."""
    ANCHOR = "anchor"
    """An anchor names an event that is not in this log, or not as it stands now."""
    PROOF = "proof"
    """An anchor's token or signature does not hold."""
    CLOCK = "clock"
    """A time runs against the order, or against an anchor: a warning, nothing is wrong by itself."""


@dataclass(frozen=True)
class Finding:
    """One fault at one event (or the event that is due there); `seq` 0 is the export as a whole."""

    seq: int
    fault: Fault
    message: str


@dataclass(frozen=True)
class Anchor:
    """A head as it was sealed or timestamped, or kept outside (`kind` head: without a proof)."""

    seq: int
    hash: str
    kind: str
    first: str = ""
    """Hash of the log's first event: tells another log from this one."""
    at: datetime | None = None
    """The proven time of a timestamp; of a seal the time that the office says."""
    by: str = ""
    vouched: bool = False
    """Whether its signer leads to a root that the verifier was told to trust."""


@dataclass(frozen=True)
class Stretch:
    """Events from `first` to `last`, and the anchor that covers them; None: not anchored."""

    first: int
    last: int
    anchor: Anchor | None


@dataclass(frozen=True)
class Report:
    """What was found. `stretches` end before the first fault: beyond it nothing can be promised."""

    events: int
    head: str
    with_bodies: bool
    bodies: int
    erased: int
    anchors: int
    findings: tuple[Finding, ...]
    more: int
    stretches: tuple[Stretch, ...]
    doubted_from: int | None
    """The lowest event that may be wrong: where one does not follow the one before, either may be changed."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found but clocks."""
        return self.first_bad_seq is None

    @property
    def first_bad_seq(self) -> int | None:
        """The lowest event at which something is wrong."""
        return min((one.seq for one in self.findings if one.fault is not Fault.CLOCK), default=None)

    @property
    def anchored_to(self) -> int:
        """The last event under an anchor whose signer is vouched for; 0 when there is none."""
        held = (one.last for one in self.stretches if one.anchor is not None and one.anchor.vouched)
        return max(held, default=0)


class Unusable(Exception):
    """The export, the trust or an anchor's file can't be opened or read at all."""


class _Wrong(Exception):
    """Something does not hold; the text says what."""


def verify(
    lines: Iterable[bytes],
    *,
    trust: Sequence[x509.Certificate] = (),
    anchors: Sequence[Anchor] = (),
    now: datetime | None = None,
) -> Report:
    """Verify an export's lines; `anchors` were kept outside, and are held against it as its own are.

    `trust` holds roots, and certificates that help to lead to them. Without any, anchors are checked, and
    their signers are not vouched for. Never raises for what it finds.
    """
    reading = _Reading(trust, anchors, now or datetime.now(UTC))
    _read_all(reading, lines)
    return reading.end()


def verify_run(lines: Iterable[bytes], anchor: Anchor, *, now: datetime | None = None) -> Report:
    """Verify the lines of events that follow one another up to an anchored one, taken out of a log.

    What went before the first is not there: it names a hash that is not asked. Every event up to the anchor's
    is the one that was anchored, because each is named by the next. Never raises for what it finds.
    """
    lines = iter(lines)
    begin = next(lines, b"")
    said = _event_of(begin)
    begins = said.get("seq") == 1
    reading = _Reading((), (anchor if begins else replace(anchor, first=""),), now or datetime.now(UTC))
    reading.header = {}
    seq, before = said.get("seq"), said.get("prev")
    if type(seq) is int and seq > 1 and isinstance(before, str):
        reading.seq, reading.hash = seq - 1, before
    _read_all(reading, chain((begin,) if begin else (), lines), first=2)
    head = {"seq": reading.seq, "hash": reading.hash}
    reading.header = {"head": head, "events": reading.count, "anchors": 0}
    return reading.end()


def _event_of(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)["event"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _read_all(reading: "_Reading", lines: Iterable[bytes], first: int = 1) -> None:
    """Give the lines, of which the first has this number, to the reading: events in batches."""
    events: list[bytes] = []
    bodies: dict[int, list[tuple[int, bytes]]] = {}  # after how many of these events: lines
    for number, line in enumerate(lines, first):
        if line.startswith(EVENT) and line.endswith(b"}\n") and number > 1:
            if len(events) == BATCH:
                reading.events(events, bodies)
                events, bodies = [], {}
            events.append(line[len(EVENT) : -2])
        elif events and line.startswith(BODY):
            bodies.setdefault(len(events), []).append((number, line))
        else:
            reading.events(events, bodies)
            events, bodies = [], {}
            reading.other(number, line)
    reading.events(events, bodies)


class _Reading:
    """What is known of the log so far, while its lines go by."""

    def __init__(self, trust: Sequence[x509.Certificate], anchors: Sequence[Anchor], now: datetime) -> None:
        self.trust, self.now = trust, now
        self.anchors = sorted(anchors, key=lambda anchor: anchor.seq)
        self.own_anchors = 0
        self.header: dict[str, Any] | None = None
        self.count = self.seq = 0
        self.hash, self.first = GENESIS, ""
        self.latest = ""
        self.passed: list[Anchor] = []
        self.waiting: list[Anchor] | None = None  # anchors by falling sequence; made at the first event
        self.next_anchor = 0
        self.named: tuple[int, object] = (0, None)  # the last event and the digest of its body
        self.body_due = False
        self.bodies = self.erased = 0
        self.untold: dict[int, object] = {}  # erased body → its request
        self.requests: tuple[int, object] = (0, None)
        self.findings: list[Finding] = []
        self.more = self.clocks = 0

    # --- (1) lines

    def other(self, number: int, line: bytes) -> None:
        """A line that is no event."""
        try:
            name, value = _line(line)
            if (name == "paraaf") != (number == 1):
                raise _Wrong("the first line, and no other, says what the file is")
            {"paraaf": self._paraaf, "anchor": self._anchor, "body": self._body}[name](value)
        except _Wrong as wrong:
            self.find(self.seq + 1 if self.count else 0, Fault.UNREADABLE, f"Line {number}: {wrong}.")

    def _paraaf(self, header: dict[str, Any]) -> None:
        if header.get("format") != FORMAT:
            raise _Wrong(f"it is not an export of the form {FORMAT}")
        self.header = header

    def _anchor(self, value: dict[str, Any]) -> None:
        self.own_anchors += 1
        if self.waiting is not None:
            raise _Wrong("an anchor stands among the events")
        try:
            anchor = read_anchor(value, self.trust, self.now)
        except _Wrong as wrong:
            self.find(_said_seq(value), Fault.PROOF, f"Its anchor does not hold: {wrong}.")
        else:
            self.anchors.append(anchor)

    # --- (2) the chain

    def events(self, records: list[bytes], bodies: Mapping[int, list[tuple[int, bytes]]]) -> None:
        """Events that follow one another, with no other lines between them than bodies."""
        if not records:
            return
        if self.waiting is None:
            self.waiting = sorted(self.anchors, key=lambda anchor: -anchor.seq)
            self.next_anchor = self.waiting[-1].seq if self.waiting else 0
        quick = _read_quickly(records)
        for index, raw in enumerate(records):
            said = quick[index] if quick is not None else self._read(raw)
            self._follow(raw, said)
            for number, line in bodies.get(index + 1, ()):
                self.other(number, line)

    def _read(self, raw: bytes) -> dict[str, Any]:
        try:
            text = raw.decode()
            said = _decoder.decode(text)
            if not isinstance(said, dict):
                raise _Wrong("no record")
            if canonical(said) != text:
                self.find(self.seq + 1, Fault.NOT_CANONICAL, "Its text is not canonical, or repeats a name.")
        except (_Wrong, ValueError, RecursionError):
            self.find(self.seq + 1, Fault.NOT_CANONICAL, "It can't be read as a record.")
            return {}
        return said

    def _follow(self, raw: bytes, said: Mapping[str, Any]) -> None:
        if self.body_due:
            self._body_is_missing()
        self.count += 1
        seq, at = said.get("seq"), said.get("at")
        if seq != self.seq + 1 or type(seq) is not int:
            self.find(self.seq + 1, Fault.NUMBERING, f"{_shown(seq)} stands where {self.seq + 1} is due.")
            seq = seq if type(seq) is int and seq > self.seq else self.seq + 1
        if said.get("prev") != self.hash:
            self.find(seq, Fault.UNCHAINED, "It does not follow the event before it as that stands now.")
        if type(at) is not str or len(at) != TIME_LENGTH or type(said.get("type")) is not str:
            self.find(seq, Fault.UNREADABLE, "It does not say what happened, or when.")
        elif at < self.latest:
            self._went_back(seq, at)
        else:
            self.latest = at
        self.seq, self.hash = seq, sha256(raw).hexdigest()
        if self.count == 1:
            self.first = self.hash
        if self.header is not None and self.header.get("bodies") is True:
            self._expect_body(seq, said)
        while self.next_anchor and self.next_anchor <= seq:
            self._pass_anchor()

    def _went_back(self, seq: int, at: str) -> None:
        before, now = _moment(self.latest), _moment(at)
        if before is None or now is None or before - now > TOLERANCE:
            self.find(seq, Fault.CLOCK, "Its time is before that of an earlier event or anchor.")
            self.latest = at

    # --- (3) bodies

    def _expect_body(self, seq: int, said: Mapping[str, Any]) -> None:
        self.named, self.requests = (seq, said.get("body")), (seq, said.get("request"))
        self.body_due = said.get("body") is not None
        if said.get("type") == "personal_data_erased" and isinstance(said.get("erased"), list):
            for one in said["erased"]:
                if type(one) is int and one in self.untold and self.untold[one] == said.get("request"):
                    del self.untold[one]
                    self.erased += 1

    def _body_is_missing(self) -> None:
        self.body_due = False
        self.find(self.named[0], Fault.BODY_MISSING, "Its personal part is not there, and was not erased.")

    def _body(self, value: dict[str, Any]) -> None:
        seq, told = self.named
        if not self.body_due or value.get("seq") != seq:
            self.find(self.seq, Fault.BODY_UNCALLED, "A personal part follows that it says nothing of.")
            return
        self.body_due = False
        self.bodies += 1
        if value == {"seq": seq, "erased": True}:
            self.untold[seq] = self.requests[1]
            return
        try:
            salt = bytes.fromhex(value["salt"])
            digest = sha256(salt + value["text"].encode()).hexdigest() if len(salt) == SALT_BYTES else ""
        except (KeyError, TypeError, ValueError, AttributeError):
            digest = ""
        if digest != told:
            self.find(seq, Fault.BODY_CHANGED, "Its personal part is not the one that it names.")

    # --- (4) anchors

    def _pass_anchor(self) -> None:
        """The event that an anchor names has gone by, or its place."""
        assert self.waiting is not None  # noqa: S101  made before the first event
        anchor = self.waiting.pop()
        self.next_anchor = self.waiting[-1].seq if self.waiting else 0
        if anchor.first and anchor.first != self.first:
            self.find(anchor.seq, Fault.ANCHOR, "The anchor is another log's, or the log begins otherwise.")
        elif (anchor.seq, anchor.hash) != (self.seq, self.hash):
            self.find(anchor.seq, Fault.ANCHOR, "It is not the event that its anchor names.")
        else:
            self.passed.append(anchor)
            if anchor.at is not None:
                self._compare_clock(anchor, anchor.at)

    def _compare_clock(self, anchor: Anchor, at: datetime) -> None:
        """No event up to here is later than the anchor's time; none after it earlier than a timestamp's."""
        latest = _moment(self.latest)
        if latest is not None and latest - at > TOLERANCE:
            self.find(anchor.seq, Fault.CLOCK, "An event up to here says a time after that of its anchor.")
        elif anchor.kind == "timestamp":  # a seal's time is the office's word, as an event's is
            self.latest = max(self.latest, _time_text(at))

    # --- the end

    def end(self) -> Report:
        """All lines have gone by: the head, what is missing, what is covered."""
        if self.body_due:
            self._body_is_missing()
        for seq in self.untold:
            self.find(seq, Fault.ERASED_UNTOLD, "Its personal part is erased, and no later event says so.")
        for anchor in self.waiting if self.waiting is not None else self.anchors:
            self.find(anchor.seq, Fault.ANCHOR, "An anchor names this event, and it is not there.")
        self._compare_header()
        findings = tuple(sorted(self.findings, key=lambda one: one.seq))
        doubted = min((self._since(one) for one in findings if one.fault is not Fault.CLOCK), default=None)
        return Report(
            events=self.count,
            head=f"{self.seq}:{self.hash}",
            with_bodies=self.header is not None and self.header.get("bodies") is True,
            bodies=self.bodies,
            erased=self.erased,
            anchors=len(self.passed),
            findings=findings,
            more=self.more,
            stretches=self._stretches(self.seq + 1 if doubted is None else doubted),
            doubted_from=doubted,
        )

    def _since(self, found: Finding) -> int:
        """The lowest event that may be the changed one; an anchor that is vouched for speaks for its own."""
        before = found.seq - 1
        if found.fault is not Fault.UNCHAINED or not before:
            return found.seq
        sure = any(anchor.vouched and anchor.seq == before for anchor in self.passed)
        return found.seq if sure else before

    def _compare_header(self) -> None:
        header = self.header
        if header is None:
            self.find(0, Fault.UNREADABLE, f"The first line of an export of the form {FORMAT} is missing.")
            return
        head, ours = header.get("head"), {"seq": self.seq, "hash": self.hash}
        if isinstance(head, dict) and head.get("seq") == self.seq and head != ours:
            self.find(self.seq, Fault.HEAD, "The last event is not the head that the first line names.")
        elif head != ours or header.get("events") != self.count:
            message = f"The events end at {self.seq}, otherwise than the first line says."
            self.find(self.seq + 1, Fault.HEAD, message)
        if header.get("anchors") != self.own_anchors:
            self.find(0, Fault.HEAD, "There are not as many anchors as the first line says.")

    def _stretches(self, bad: int) -> tuple[Stretch, ...]:
        """(5) What before the first bad event is covered by which anchor: the earliest that is vouched for,
        else the earliest; over one event a timestamp before a seal, whose time is only said."""
        held = [anchor for anchor in self.passed if anchor.seq < bad]
        vouched = [anchor for anchor in held if anchor.vouched]
        covered_to = max((anchor.seq for anchor in vouched), default=0)
        chosen = vouched + [anchor for anchor in held if not anchor.vouched and anchor.seq > covered_to]
        found, last = [], 0
        for anchor in sorted(chosen, key=lambda one: (one.seq, one.kind == "seal", one.at or self.now)):
            if anchor.seq > last:
                found.append(Stretch(last + 1, anchor.seq, anchor))
                last = anchor.seq
        if last < bad - 1:
            found.append(Stretch(last + 1, bad - 1, None))
        return tuple(found)

    def find(self, seq: int, fault: Fault, message: str) -> None:
        """Note a fault; beyond the first hundred they are counted, and the first bad event is kept."""
        finding, is_clock = Finding(seq, fault, message), fault is Fault.CLOCK
        self.clocks += is_clock
        if len(self.findings) < FINDINGS_MAX and (not is_clock or self.clocks <= CLOCKS_MAX):
            self.findings.append(finding)
            return
        self.more += 1
        latest = max(range(len(self.findings)), key=lambda index: self.findings[index].seq)
        if not is_clock and seq < self.findings[latest].seq:
            self.findings[latest] = finding


# Reading JSON strictly


def _refuse(text: str) -> NoReturn:
    raise _Wrong(f"{text} is not expected")


def _small(text: str) -> int:
    if len(text) > 15:
        raise _Wrong("a large number")
    return int(text)


_decoder = json.JSONDecoder()
# A fraction, a number of 16 digits and more, or a letter beyond ASCII takes the slow way.
_plain_decoder = json.JSONDecoder(parse_int=_small, parse_float=_refuse, parse_constant=_refuse)
_plain_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _read_quickly(records: list[bytes]) -> list[dict[str, Any]] | None:
    """The records' values, when all are canonical and plain; None when they must be looked at one by one.

    Each is one JSON text from its first byte to its last, so that writing all of them as one list gives the
    same bytes only if each was written that way: names sorted and named once, no white space, no escape that
    is not needed. For whole numbers below 10¹⁵ and ASCII that is all that RFC 8785 asks.
    """
    joined = b"[" + b",".join(records) + b"]"
    if not joined.isascii():
        return None
    text = joined.decode()
    values, start, raw_decode = [], 1, _plain_decoder.raw_decode
    try:
        for record in records:
            value, end = raw_decode(text, start)
            if end != start + len(record) or type(value) is not dict:
                return None
            values.append(value)
            start = end + 1
        return values if _plain_encoder.encode(values) == text else None
    except (_Wrong, ValueError, RecursionError):
        return None


def canonical(value: object) -> str:
    """The value's canonical JSON text, by RFC 8785, written out in full; raises _Wrong for what has none."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return '"' + _special.sub(_escaped, value) + '"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    if isinstance(value, float) and value - value == 0:  # finite
        return _number(value)
    raise _Wrong("a number that JSON can't hold exactly")


_special = re.compile(r'[\x00-\x1f"\\]')
_short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def _escaped(match: re.Match[str]) -> str:
    return _short.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _number(value: float) -> str:
    """As ECMAScript writes it: the shortest digits that give the number back. Source: RFC 8785, 3.2.2.3."""
    sign = "-" if value < 0 else ""
    mantissa, _, power = f"{abs(value)!r}".partition("e")
    whole, _, part = mantissa.partition(".")
    part = part.rstrip("0") if part.strip("0") else ""
    digits = (whole + part).lstrip("0")
    point = len(whole) + int(power or 0) - (len(whole + part) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return "0"
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _line(line: bytes) -> tuple[str, dict[str, Any]]:
    """A line's name and value; raises _Wrong."""
    if match := _usual_body.fullmatch(line):  # most lines of an export with bodies: read the quick way
        return "body", {"salt": match[1].decode(), "seq": int(match[2]), "text": _text(match[3])}
    if not line.endswith(b"\n"):
        raise _Wrong("it is cut off")
    try:
        read = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _Wrong("it is not JSON") from None
    if not isinstance(read, dict) or len(read) != 1:
        raise _Wrong("it does not hold one named thing")
    [(name, value)] = read.items()
    if name == "event":
        raise _Wrong("the event is not written as the format asks")
    if name not in {"paraaf", "anchor", "body"} or not isinstance(value, dict):
        raise _Wrong("it is of no known kind")
    return name, value


_usual_body = re.compile(
    rb'\{"body":\{"salt":"([0-9a-f]{32})","seq":([1-9][0-9]{0,17}),"text":("(?:[^"\\]++|\\.)*+")\}\}\n'
)


def _text(quoted: bytes) -> object:
    try:
        return json.loads(quoted)
    except ValueError:
        raise _Wrong("it is not JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _Wrong("it repeats a name")
    return dict(pairs)


def _shown(value: object) -> str:
    return str(value) if type(value) is int and abs(value) < 10**20 else "No number"


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


# Anchors and their proofs


def read_anchor(value: Mapping[str, Any], trust: Sequence[x509.Certificate], now: datetime) -> Anchor:
    """Read an anchor and check its proof; raises _Wrong.

    A timestamp: over the statement, by a certificate for timestamps alone, valid at its time. A seal: over
    the statement, by an organisation's certificate that was valid at the time that the statement says. With
    trust given, the certificate has to lead to it.
    """
    kind, statement, proof = value.get("kind"), value.get("statement"), value.get("proof")
    if not isinstance(statement, str) or not isinstance(proof, str):
        raise _Wrong("it holds no statement and proof")
    try:
        return _proven(str(kind), statement, base64.b64decode(proof, validate=True), trust, now)
    except _Wrong:
        raise
    except Exception as error:  # whatever a hostile proof makes a parser raise, it proves nothing
        raise _Wrong("its proof is not a readable token or signature") from error


def _proven(
    kind: str, statement: str, proof: bytes, trust: Sequence[x509.Certificate], now: datetime
) -> Anchor:
    said = _statement(statement)
    if kind == "timestamp":
        signer, pool, at = _check_timestamp(proof, statement.encode())
    elif kind == "seal":
        (signer, pool), at = _check_seal(proof, statement.encode()), said["at"]
    else:
        raise _Wrong("it is neither a timestamp nor a seal")
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise _Wrong("it has no readable time")
    _require_fit(signer, pool, trust, at, now)
    return Anchor(
        seq=said["seq"],
        hash=said["hash"],
        kind=kind,
        first=said["first"],
        at=at,
        by=_name(signer),
        vouched=bool(trust),
    )


def _require_fit(
    signer: x509.Certificate,
    pool: Sequence[x509.Certificate],
    trust: Sequence[x509.Certificate],
    at: datetime,
    now: datetime,
) -> None:
    """Raise _Wrong unless the signer was valid at that time, which is past, and leads to a trusted root."""
    if at > now + TOLERANCE:
        raise _Wrong("its time is still to come")
    if not _is_valid(signer, at):
        raise _Wrong(f"{_name(signer)} was not valid at {_time_text(at)}")
    if trust and not leads_to(signer, pool, trust, at):
        raise _Wrong(f"{_name(signer)} does not lead to a trusted root, valid at {_time_text(at)}")


def sealed_by(
    content: bytes,
    seal: bytes,
    at: datetime,
    trust: Sequence[x509.Certificate],
    now: datetime | None = None,
) -> str:
    """Which organisation sealed these bytes, at the time that it says; raises Unusable when the seal does not
    hold. With trust given, the certificate has to lead to it."""
    try:
        signer, pool = _check_seal(seal, content)
        _require_fit(signer, pool, trust, at, now or datetime.now(UTC))
    except _Wrong as wrong:
        raise Unusable(f"The seal does not hold: {wrong}.") from wrong
    except Exception as error:  # whatever a hostile proof makes a parser raise, it proves nothing
        raise Unusable("The seal is no readable signature.") from error
    return _name(signer)


def _statement(text: str) -> dict[str, Any]:
    """What was sealed or timestamped, read strictly: {"at","first","hash","paraaf","seq"}."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise _Wrong("its statement is not JSON") from None
    fields = {"at": str, "first": str, "hash": str, "paraaf": str, "seq": int}
    fits = isinstance(said, dict) and {name: type(said[name]) for name in said} == fields
    if not fits or said["paraaf"] != STATEMENT or canonical(said) != text or said["seq"] < 1:
        raise _Wrong("its statement is not one about the head of an event log")
    moment = _moment(said["at"])
    if moment is None:
        raise _Wrong("its statement has no time")
    return {**said, "at": moment}


def _said_seq(value: Mapping[str, Any]) -> int:
    """The event that a broken anchor claims to be over; 0 when that can't be read."""
    try:
        seq = json.loads(value["statement"])["seq"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return seq if type(seq) is int and 0 < seq < 2**53 else 0


def _check_timestamp(
    token: bytes, statement: bytes
) -> tuple[x509.Certificate, list[x509.Certificate], datetime]:
    """RFC 3161, 2.3 and 2.4.2: imprint, signature, purpose."""
    signed = _signed_data(token)
    if signed["encap_content_info"]["content_type"].native != "tst_info":
        raise _Wrong("its token is no timestamp")
    content = signed["encap_content_info"]["content"].contents
    info = tsp.TSTInfo.load(content, strict=True)
    imprint = info["message_imprint"]
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    if imprint["hashed_message"].native != _digest(algorithm, statement):
        raise _Wrong("its timestamp is over something else than its statement")
    signer = _check_signature(signed, content, "tst_info")
    usage = _extension(signer, x509.ExtendedKeyUsage)
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise _Wrong("its timestamp is by a certificate that is not for timestamps alone")
    return signer, _certificates(signed), info["gen_time"].native


def _check_seal(signature: bytes, statement: bytes) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """A detached signature over the statement by an organisation, not by a person or for timestamps."""
    signed = _signed_data(signature)
    if signed["encap_content_info"]["content"].native is not None:
        raise _Wrong("its seal holds a content of its own")
    signer = _check_signature(signed, statement, "data")
    usage = _extension(signer, x509.KeyUsage)
    if usage is None or not (usage.value.digital_signature or usage.value.content_commitment):
        raise _Wrong("its seal is by a certificate that is not for signing")
    if not _is_for_seals(signer):
        raise _Wrong("its seal is by a timestamp authority, or another that does not sign documents")
    personal = (NameOID.USER_ID, NameOID.GIVEN_NAME, NameOID.SURNAME)
    if any(signer.subject.get_attributes_for_oid(oid) for oid in personal):
        raise _Wrong("its seal is by a person, not by an organisation")
    return signer, _certificates(signed)


def _is_for_seals(certificate: x509.Certificate) -> bool:
    """Whether its extended key usages, when it has any, are those of signing documents, and no other."""
    usage = _extension(certificate, x509.ExtendedKeyUsage)
    named = frozenset() if usage is None else {each.dotted_string for each in usage.value}
    return usage is None or (not named.isdisjoint(FOR_SEALS) and named <= FOR_SEALS | BESIDE_SEALS)


def _signed_data(data: bytes) -> Any:
    info = cms.ContentInfo.load(data, strict=True)
    if info["content_type"].native != "signed_data":
        raise _Wrong("its proof is not a signature")
    if len(info["content"]["signer_infos"]) != 1:
        raise _Wrong("its proof has not exactly one signer")
    return info["content"]


def _check_signature(signed: Any, content: bytes, content_type: str) -> x509.Certificate:
    """RFC 5652, 5.4 and 5.6: the attributes are over this content, the signature over the attributes."""
    info = signed["signer_infos"][0]
    attributes: dict[str, Any] = {}
    for attribute in info["signed_attrs"]:
        name = attribute["type"].native
        if name in attributes or len(attribute["values"]) != 1:
            raise _Wrong("its signature repeats an attribute")
        attributes[name] = attribute["values"][0]
    algorithm = info["digest_algorithm"]["algorithm"].native
    if attributes["content_type"].native != content_type:
        raise _Wrong("its signature is over another type of content")
    if attributes["message_digest"].native != _digest(algorithm, content):
        raise _Wrong("its signature is over something else")
    signer = _signer(signed, info["sid"])
    _check_named(attributes, signer)
    _verify_value(signer, info, algorithm)
    return signer


def _signer(signed: Any, identifier: Any) -> x509.Certificate:
    wanted = identifier.chosen
    for chosen in signed["certificates"]:
        certificate = chosen.chosen
        if identifier.name == "issuer_and_serial_number" and (
            certificate.issuer.dump() == wanted["issuer"].dump()
            and certificate.serial_number == wanted["serial_number"].native
        ):
            return _loaded(certificate)
    raise _Wrong("its signer's certificate is not there")


def _check_named(attributes: Mapping[str, Any], signer: x509.Certificate) -> None:
    """The signing-certificate attribute ties the signature to this certificate. Source: RFC 5816."""
    if (second := attributes.get("signing_certificate_v2")) is not None:
        entry = second["certs"][0]
        algorithm = entry["hash_algorithm"]["algorithm"].native
        named, digest = entry["cert_hash"].native, _digest(algorithm, _der(signer))
    elif (first := attributes.get("signing_certificate")) is not None:
        # many authorities still write the SHA-1 form; the signature itself never rests on SHA-1
        named = first["certs"][0]["cert_hash"].native
        digest = hashlib.sha1(_der(signer), usedforsecurity=False).digest()
    else:
        raise _Wrong("its signature names no certificate")
    if named != digest:
        raise _Wrong("its signature names another certificate")


def _verify_value(signer: x509.Certificate, info: Any, digest: str) -> None:
    key, value = signer.public_key(), info["signature"].native
    # stored under an implicit tag, signed as a SET OF: RFC 5652, 5.4
    signed = b"\x31" + info["signed_attrs"].dump()[1:]
    algorithm = info["signature_algorithm"]
    kind = algorithm.signature_algo
    try:
        if kind == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(value, signed)
            return
        if kind != "rsassa_pkcs1v15" or algorithm["algorithm"].native != "rsassa_pkcs1v15":
            digest = algorithm.hash_algo
        if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, signed, ec.ECDSA(_hash(digest)))
        elif kind == "rsassa_pkcs1v15" and isinstance(key, rsa.RSAPublicKey):
            key.verify(value, signed, padding.PKCS1v15(), _hash(digest))
        elif kind == "rsassa_pss" and isinstance(key, rsa.RSAPublicKey):
            scheme = padding.PSS(padding.MGF1(_hash(digest)), padding.PSS.AUTO)
            key.verify(value, signed, scheme, _hash(digest))
        else:
            raise _Wrong("its signature is of a kind that does not go with the key")
    except InvalidSignature:
        raise _Wrong("its signature does not verify") from None


def _hash(name: str) -> hashes.HashAlgorithm:
    if name not in HASHES:
        raise _Wrong("its signature rests on a digest that is not accepted")
    return HASHES[name]


def _digest(name: str, data: bytes) -> bytes:
    _hash(name)
    return hashlib.new(name, data).digest()


def _certificates(signed: Any) -> list[x509.Certificate]:
    chosen = [each.chosen for each in signed["certificates"] if each.name == "certificate"]
    if len(chosen) > CERTIFICATES_MAX:
        raise _Wrong("its proof holds more certificates than any way to a root needs")
    return [_loaded(each) for each in chosen]


def _loaded(read: Any) -> x509.Certificate:
    """A certificate of a proof; raises _Wrong for a key that was made to keep whoever uses it busy."""
    certificate = x509.load_der_x509_certificate(read.dump())
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return certificate  # nothing can be verified with it: it leads nowhere
    if isinstance(key, rsa.RSAPublicKey):
        exponent_bits = key.public_numbers().e.bit_length()
        if key.key_size > RSA_BITS_MAX or exponent_bits > EXPONENT_BITS_MAX:
            raise _Wrong("a certificate in its proof has a key with numbers far longer than any in use")
    return certificate


def leads_to(
    certificate: x509.Certificate,
    pool: Sequence[x509.Certificate],
    trust: Sequence[x509.Certificate],
    at: datetime,
) -> bool:
    """Whether it leads to a root in `trust` over authorities that were all valid at that time.

    Source: RFC 5280, 6.1, without name constraints and policies: a certificate with a critical extension that
    is not handled here leads nowhere. Revocation is not looked at: there is no network.
    """
    roots = {_der(one) for one in trust if one.subject == one.issuer and _issued(one, one)}
    return _Ways([*trust, *pool], roots, at).lead_from(certificate, 0)


class _Ways:
    """Looks for a way to a root. What led nowhere is not tried again, and the checks of signatures are
    counted: certificates of one name and key would else lead to each other in more ways than can be tried."""

    def __init__(self, pool: Sequence[x509.Certificate], roots: set[bytes], at: datetime) -> None:
        self.pool = {_der(one): one for one in pool if _is_valid(one, at)}
        self.roots, self.at = roots, at
        self.nowhere: set[tuple[bytes, int]] = set()
        self.issued: dict[tuple[bytes, bytes], bool] = {}

    def lead_from(self, last: x509.Certificate, authorities_below: int) -> bool:
        """Whether it leads to a root; raises _Wrong when that takes too many checks."""
        own = _der(last)
        if not _is_valid(last, self.at) or authorities_below >= PATH_MAX or not _all_handled(last):
            return False
        if own in self.roots:
            return True
        if (own, authorities_below) in self.nowhere:
            return False
        self.nowhere.add((own, authorities_below))
        return any(
            issuer.subject == last.issuer
            and _may_issue(issuer, authorities_below=authorities_below)
            and self._issued((der, own), issuer, last)
            and self.lead_from(issuer, authorities_below + 1)
            for der, issuer in self.pool.items()
        )

    def _issued(
        self, place: tuple[bytes, bytes], issuer: x509.Certificate, subject: x509.Certificate
    ) -> bool:
        if place not in self.issued:
            if len(self.issued) >= CHECKS_MAX:
                raise _Wrong("its certificates need more checks than any way to a root does")
            self.issued[place] = _issued(issuer, subject)
        return self.issued[place]


def _may_issue(issuer: x509.Certificate, *, authorities_below: int) -> bool:
    basic, usage = _extension(issuer, x509.BasicConstraints), _extension(issuer, x509.KeyUsage)
    if basic is None or usage is None or not basic.value.ca or not usage.value.key_cert_sign:
        return False
    return basic.value.path_length is None or basic.value.path_length >= authorities_below


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    try:
        subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _all_handled(certificate: x509.Certificate) -> bool:
    handled = (
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.CertificatePolicies.oid,
        x509.SubjectAlternativeName.oid,
    )
    return all(not each.critical or each.oid in handled for each in certificate.extensions)


def _extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def _is_valid(certificate: x509.Certificate, at: datetime) -> bool:
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _name(certificate: x509.Certificate) -> str:
    """The subject on one line, in characters that show."""
    return "".join(one if one.isprintable() else "?" for one in certificate.subject.rfc4514_string())


# Files and the command line


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of an export, one at a time; raises Unusable."""
    try:
        with path.open("rb") as file:
            yield from iter(partial(file.readline, LINE_MAX), b"")
    except OSError as error:
        raise Unusable(f"{path} can't be read: {error.strerror}.") from error


def read_trust(paths: Iterable[Path]) -> list[x509.Certificate]:
    """The certificates of PEM or DER files; raises Unusable when there is no root among those of all."""
    found: list[x509.Certificate] = []
    for path in paths:
        try:
            data = path.read_bytes()
            pem = b"-----BEGIN CERTIFICATE-----" in data
            found += x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
        except OSError as error:
            raise Unusable(f"{path} can't be read: {error.strerror}.") from error
        except ValueError as error:
            raise Unusable(
                f"{path} holds no readable certificate: name a root certificate with --trust, in PEM or DER,"
                " as the office hands it out."
            ) from error
    if found and not any(one.subject == one.issuer for one in found):
        raise Unusable("There is no root among the certificates to trust: none that is signed by itself.")
    return found


def outside_anchor(text: str, trust: Sequence[x509.Certificate], now: datetime | None = None) -> Anchor:
    """An anchor that was kept outside: SEQ:HASH, or the file that the office wrote; raises Unusable."""
    if match := re.fullmatch(r"([0-9]{1,18}):([0-9A-Fa-f]{64})", text):
        return Anchor(int(match[1]), match[2].lower(), "head", by="who kept it outside", vouched=True)
    try:
        name, value = _line(_anchor_file(Path(text)))
        if name != "anchor":
            raise _Wrong("it holds no anchor")
        return read_anchor(value, trust, now or datetime.now(UTC))
    except OSError as error:
        raise Unusable(f"{text} is no SEQ:HASH, and no file that can be read: {error.strerror}.") from error
    except _Wrong as wrong:
        raise Unusable(f"The anchor in {text} does not hold: {wrong}.") from wrong


def _anchor_file(path: Path) -> bytes:
    """What an anchor's file holds; raises OSError, and Unusable for a pipe or device, which may never end."""
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Unusable(f"{path} is no file, but a pipe, a device or something else that may never end.")
        content = file.read(ANCHOR_BYTES_MAX + 1)
    if len(content) > ANCHOR_BYTES_MAX:
        raise Unusable(f"{path} is no anchor: it is far longer than one.")
    return content


def _open_at_once(path: str, flags: int) -> int:
    # else whoever opens a pipe waits for somebody who writes into it
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def outside_anchors(
    texts: Iterable[str], trust: Sequence[x509.Certificate], now: datetime | None = None
) -> list[Anchor]:
    """Anchors that were kept outside; of a folder all that the office wrote into it. Raises Unusable."""
    found: list[str] = []
    for text in texts:
        if not Path(text).is_dir():
            found.append(text)
            continue
        files = sorted(map(str, Path(text).glob("anchor-*.json")))
        if not files:
            raise Unusable(f"The folder {text} holds no anchor: no file anchor-….json.")
        found += files
    return [outside_anchor(text, trust, now) for text in found]


def verify_file(path: Path, *, trust: Iterable[Path] = (), anchors: Iterable[str] = ()) -> Report:
    """Verify an export with files of trusted certificates and anchors kept outside.

    Raises Unusable when one of them can't be read, or the file does not begin as an export does.
    """
    certificates = read_trust(trust)
    outside = outside_anchors(anchors, certificates)
    lines = read_lines(path)
    first = next(lines, b"")
    _require_export(path, first)
    return verify(chain((first,), lines), trust=certificates, anchors=outside)


def _require_export(path: Path, first: bytes) -> None:
    try:
        name, header = _line(first)
    except _Wrong:
        name, header = "", {}
    if name != "paraaf":
        raise Unusable(f'{path} is no export of the event log: its first line is no {{"paraaf":…}}.')
    if header.get("format") != FORMAT:
        raise Unusable(f"{path} is not an export of the form {FORMAT}, the only one that is read here.")


def as_text(report: Report) -> str:
    """The report for a person."""
    erased = f" ({report.erased} of them erased)" if report.erased else ""
    bodies = f"{report.bodies} personal parts{erased}" if report.with_bodies else "no personal parts exported"
    lines = [f"{report.events} events, {bodies}; head {report.head}"]
    lines += [_stretch(one) for one in report.stretches]
    lines += [
        f"{f'event {one.seq}' if one.seq else 'export'}: {one.fault}: {one.message}"
        for one in report.findings
    ]
    if report.more:
        lines.append(f"… and {report.more} findings more")
    if not report.ok:
        lines.append(f"The log does not hold, {_where(report)}.")
    elif not report.events:
        lines.append("The log is empty: there is nothing in it that could be wrong, and nothing is anchored.")
    elif report.anchored_to == report.events:
        lines.append("The log holds, and all of it is anchored.")
    else:
        lines.append(
            f"The log holds. Events from {report.anchored_to + 1} on are not under a trusted anchor: "
            "there it only agrees with itself."
        )
    return "\n".join(lines)


def _where(report: Report) -> str:
    if not report.first_bad_seq:
        return "as a whole"
    either = "" if report.doubted_from == report.first_bad_seq else f"{report.doubted_from} or "
    return f"from event {either}{report.first_bad_seq} on"


def _stretch(one: Stretch) -> str:
    events = f"events {one.first}–{one.last}" if one.last > one.first else f"event {one.first}"
    if one.anchor is None:
        return f"{events}: not anchored yet"
    how = {"timestamp": "timestamped", "seal": "sealed"}.get(one.anchor.kind, "anchored")
    at = f" at {_time_text(one.anchor.at)}" if one.anchor.at is not None else ""
    claimed = " (the time is the office's word)" if one.anchor.kind == "seal" else ""
    doubt = "" if one.anchor.vouched else "; nobody vouches for that signer: name its root with --trust"
    return f"{events}: {how} by {one.anchor.by}{at}{claimed}{doubt}"


def as_json(report: Report) -> dict[str, Any]:
    """The report for a program."""
    stretches = []
    for one in report.stretches:
        anchor = None
        if one.anchor is not None:
            at = None if one.anchor.at is None else _time_text(one.anchor.at)
            anchor = {"kind": one.anchor.kind, "at": at, "by": one.anchor.by, "vouched": one.anchor.vouched}
        stretches.append({"first": one.first, "last": one.last, "anchor": anchor})
    return {
        "ok": report.ok,
        "events": report.events,
        "head": report.head,
        "with_bodies": report.with_bodies,
        "bodies": report.bodies,
        "erased": report.erased,
        "anchors": report.anchors,
        "anchored_to": report.anchored_to,
        "stretches": stretches,
        "first_bad_seq": report.first_bad_seq,
        "doubted_from": report.doubted_from,
        "findings": [asdict(one) for one in report.findings],
        "more": report.more,
    }


_ABOUT = """\
Verify an export of the event log, offline: that no event was changed, removed, inserted or reordered; that
every personal part in it is the one recorded; and which events are anchored, sealed or timestamped by whom.
Without --trust anchors are checked, and nobody vouches for who made them."""
_STATUSES = """\
exit status: 0 the log holds; 1 it does not: each finding is printed with its event (docs/auditing.md lists
them); 2 nothing could be found out: a file can't be read or is no export, a package is missing, or the call
is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """0: it holds; 1: it does not; 2: it can't be read at all, or the call was wrong."""
    parser = argparse.ArgumentParser(
        description=_ABOUT, epilog=_STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=Path, metavar="EXPORT", help="the file of `paraaf export events`")
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the root of the timestamp authority and of the organisation's seal, and certificates that help"
        " to lead to it (PEM or DER), from wherever you have them but the export; may be repeated",
    )
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="FILE|FOLDER|SEQ:HASH",
        help="an anchor, a folder of them, or a head, that was kept away from the office: it shows what was"
        " rewritten together with the export's own anchors; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    args = parser.parse_args(argv)
    try:
        report = verify_file(args.export, trust=args.trust, anchors=args.anchor)
    except Unusable as problem:
        print(problem, file=sys.stderr)
        return 2
    print(json.dumps(as_json(report), ensure_ascii=False, indent=2) if args.json else as_text(report))
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
