"""Whatever is changed in an export is found offline, at a hundred places for each kind of change.

What is promised: no change at or before the last anchor stays unseen, however much is rewritten with it.
After the last anchor a change is seen too, unless everything after it was rewritten to fit; and then the
verifier says that these events are not anchored. Nothing is ever changed that it calls anchored.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256

import pytest

from audit import verify_log
from audit.verify_log import Fault, Report
from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from tests.anchored_log import (
    Forgery,
    anchor,
    append,
    erase,
    exported,
    head_of,
    new_store,
    rechained,
    seal_offline,
    written,
)
from workflow.anchors import Statement
from workflow.eventlog import Head

PLACES = 100
ANCHORED = (60, 110, 160)
ERASED = 6
LAST = 200


@dataclass(frozen=True)
class Log:
    """One log, exported with and without bodies, and what an auditor trusts."""

    authority: DevelopmentAuthority
    plain: Forgery
    full: Forgery

    def verify(self, forgery: Forgery) -> Report:
        return self.verify_lines(forgery.lines())

    def verify_lines(self, lines: list[bytes]) -> Report:
        return verify_log.verify(lines, trust=[self.authority.root])

    def places(self, *, bodies: bool = False) -> Iterator[int]:
        """A hundred events, from the first to the last but one."""
        fit = [seq for seq in range(1, LAST) if not bodies or (seq % ERASED and (seq + 1) % ERASED)]
        step = len(fit) / PLACES
        return (fit[int(index * step)] for index in range(PLACES))


@pytest.fixture(scope="module")
def log(
    authority: DevelopmentAuthority,
    authority_server: AuthorityServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Log:
    store = new_store(tmp_path_factory.mktemp("log"))
    append(store, ANCHORED[0])
    anchor(store, authority, "timestamp")
    append(store, ANCHORED[1] - ANCHORED[0])
    anchor(store, authority, "seal")
    append(store, ANCHORED[2] - ANCHORED[1])
    anchor(store, authority, "timestamp")
    append(store, LAST - ANCHORED[2] - 1)
    erase(store, ERASED)
    log = Log(
        authority,
        Forgery.of(exported(store, with_bodies=False)),
        Forgery.of(exported(store, with_bodies=True)),
    )
    store.close()
    return log


@pytest.fixture(autouse=True)
def _proofs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same anchor gives the same verdict; thousands of exports hold the same three."""
    read, kept = verify_log.read_anchor, {}

    def once(value: dict[str, str], trust: list[object], now: datetime) -> object:
        key = json.dumps(value, sort_keys=True)
        if key not in kept:
            kept[key] = read(value, trust, now)  # type: ignore[arg-type]
        return kept[key]

    monkeypatch.setattr(verify_log, "read_anchor", once)


def test_an_untouched_export_holds(log: Log) -> None:
    for forgery in (log.plain, log.full):
        report = log.verify(forgery)
        assert (report.ok, report.findings, report.events) == (True, (), LAST)
        assert (report.anchored_to, report.anchors) == (ANCHORED[2], 3)
        bounds = [(one.first, one.last, one.anchor and one.anchor.kind) for one in report.stretches]
        assert bounds == [
            (1, 60, "timestamp"),
            (61, 110, "seal"),
            (111, 160, "timestamp"),
            (161, 200, None),
        ]
    assert (report.bodies, report.erased) == (LAST - 1, 33)


# Changes of the chain. Each gives the forged export, and the first event that it is about.

Change = Callable[[Forgery, int], Forgery]


def forged(record: dict[str, object]) -> dict[str, object]:
    return {**record, "to": "elsewhere"}


def edit(log: Forgery, at: int) -> Forgery:
    return replace(log, records=_put(log.records, at, written(forged(log.record(at)))))


def edit_and_mend_the_next(log: Forgery, at: int) -> Forgery:
    changed = written(forged(log.record(at)))
    records = _put(log.records, at, changed)
    following = written({**log.record(at + 1), "prev": sha256(changed).hexdigest()})
    return log.with_records(_put(records, at + 1, following))


def edit_and_rehash_all(log: Forgery, at: int) -> Forgery:
    records = _said(log)
    records[at - 1] = forged(records[at - 1])
    return log.with_records(rechained(records, at))


def another_time(log: Forgery, at: int) -> Forgery:
    records = _said(log)
    records[at - 1] = {**records[at - 1], "at": datetime.now(UTC).isoformat()[:26].ljust(26, "0") + "Z"}
    return log.with_records(rechained(records, at))


def delete(log: Forgery, at: int) -> Forgery:
    return log.with_records(log.records[: at - 1] + log.records[at:])


def delete_and_rehash(log: Forgery, at: int) -> Forgery:
    records = _said(log)
    del records[at - 1]
    return log.with_records(rechained(records, at))


def insert(log: Forgery, at: int) -> Forgery:
    made = written({**forged(log.record(at)), "prev": sha256(log.records[at - 1]).hexdigest(), "seq": at + 1})
    return log.with_records((*log.records[:at], made, *log.records[at:]))


def insert_and_rehash(log: Forgery, at: int) -> Forgery:
    records = _said(log)
    records.insert(at - 1, forged(records[at - 1]))
    return log.with_records(rechained(records, at))


def duplicate(log: Forgery, at: int) -> Forgery:
    return log.with_records((*log.records[:at], *log.records[at - 1 :]))


def reorder(log: Forgery, at: int) -> Forgery:
    swapped = (log.records[at], log.records[at - 1])
    return log.with_records((*log.records[: at - 1], *swapped, *log.records[at + 1 :]))


def reorder_and_rehash(log: Forgery, at: int) -> Forgery:
    records = _said(log)
    records[at - 1], records[at] = records[at], records[at - 1]
    return log.with_records(rechained(records, at))


def cut_the_tail(log: Forgery, at: int) -> Forgery:
    return log.with_records(log.records[: at - 1], head=log.header["head"], events=log.header["events"])


def cut_the_tail_with_its_head(log: Forgery, at: int) -> Forgery:
    return log.with_records(log.records[: at - 1])


def shorter_fork(log: Forgery, at: int) -> Forgery:
    records = [*_said(log)[: at - 1], *map(forged, _said(log)[at - 1 : at + 2])]
    return log.with_records(rechained(records, at))


def longer_fork(log: Forgery, at: int) -> Forgery:
    records = [*_said(log)[: at - 1], *map(forged, _said(log)[at - 1 :]), forged(_said(log)[at])]
    return log.with_records(rechained(records, at))


def from_another_log(log: Forgery, at: int) -> Forgery:
    return log.with_records(rechained([forged(record) for record in _said(log)], 1)[: at + 40])


def not_canonical(log: Forgery, at: int) -> Forgery:
    """A space, and everything after it chained to that."""
    before = list(log.records[: at - 1])
    odd = log.records[at - 1].replace(b'"at":', b'"at": ')
    rest = _said(log)[at:]
    last = sha256(odd).hexdigest()
    for record in rest:
        text = written({**record, "prev": last})
        before, last = [*before, odd], sha256(text).hexdigest()
        odd = text
    return log.with_records([*before, odd])


def a_name_twice(log: Forgery, at: int) -> Forgery:
    records = rechained(_said(log), at)
    records[at - 1] = records[at - 1][:-1] + b',"variant":"w"}'
    tail = [json.loads(record) for record in records[at:]]
    last = sha256(records[at - 1]).hexdigest()
    for index, record in enumerate(tail):
        records[at + index] = written({**record, "prev": last})
        last = sha256(records[at + index]).hexdigest()
    return log.with_records(records)


def _put(records: tuple[bytes, ...], at: int, record: bytes) -> tuple[bytes, ...]:
    return (*records[: at - 1], record, *records[at:])


def _said(log: Forgery) -> list[dict[str, object]]:
    return [dict(record) for record in _parsed(log.records)]


@cache
def _parsed(records: tuple[bytes, ...]) -> list[dict[str, object]]:
    return [json.loads(record) for record in records]


ALWAYS_FOUND: list[Change] = [
    edit,
    edit_and_mend_the_next,
    delete,
    insert,
    duplicate,
    reorder,
    cut_the_tail,
    not_canonical,
    a_name_twice,
]
FOUND_WHERE_ANCHORED: list[Change] = [
    edit_and_rehash_all,
    another_time,
    delete_and_rehash,
    insert_and_rehash,
    reorder_and_rehash,
    cut_the_tail_with_its_head,
    shorter_fork,
    longer_fork,
]


@pytest.mark.parametrize("change", ALWAYS_FOUND)
def test_a_change_is_found_anywhere(log: Log, change: Change) -> None:
    missed = [at for at in log.places() if log.verify(change(log.plain, at)).ok]
    assert not missed


@pytest.mark.parametrize("change", FOUND_WHERE_ANCHORED)
def test_a_change_with_all_that_follows_is_found_where_anchored_and_else_never_called_anchored(
    log: Log, change: Change
) -> None:
    beyond = 0
    for at in log.places():
        report = log.verify(change(log.plain, at))
        assert report.anchored_to < at, at
        if at <= ANCHORED[2]:
            assert not report.ok, at
        elif report.ok:
            beyond += 1
            assert report.anchored_to == ANCHORED[2]
    assert beyond  # it is what an anchor is for


def test_another_log_is_found_whatever_its_length(log: Log) -> None:
    assert not [at for at in log.places() if log.verify(from_another_log(log.plain, at)).ok]


def test_a_flipped_bit_in_any_event_or_body_is_found(log: Log) -> None:
    lines = log.full.lines()
    begun = sum(map(len, lines[: 1 + len(log.full.anchors)]))
    whole = b"".join(lines)
    for index in range(PLACES):
        place = begun + index * (len(whole) - begun) // PLACES
        changed = bytearray(whole)
        changed[place] ^= 1 << index % 7
        report = log.verify_lines(bytes(changed).splitlines(keepends=True))
        assert not report.ok, place


# Changes of anchors


def _flips(line: bytes, field: str) -> Iterator[bytes]:
    """A hundred copies of an anchor, each with another byte of a field changed."""
    value = json.loads(line)["anchor"]
    text = value[field]
    for index in range(PLACES):
        place = index * len(text) // PLACES
        other = "A" if text[place] != "A" else "B"
        if field == "statement" and text[place].isdigit():
            other = str((int(text[place]) + 1) % 10)
        yield written({"anchor": {**value, field: text[:place] + other + text[place + 1 :]}}) + b"\n"


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("field", ["proof", "statement"])
def test_a_changed_byte_of_an_anchor_is_found_or_nothing_rests_on_it(
    log: Log, which: int, field: str
) -> None:
    """A token holds bytes that no signature covers, such as a certificate that is not needed: harmless."""
    held, untouched = log.plain.anchors, log.verify(log.plain).stretches
    found = 0
    for index, changed in enumerate(_flips(held[which], field)):
        report = log.verify(log.plain.with_anchors([*held[:which], changed, *held[which + 1 :]]))
        assert not report.ok or (field == "proof" and report.stretches == untouched), index
        found += not report.ok
    assert found == PLACES if field == "statement" else found > PLACES / 2


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_changed_bit_of_a_signature_value_is_found(log: Log, which: int) -> None:
    """It stands last in tokens and seals; a hundred bits of it, from the end."""
    held = log.plain.anchors
    value = json.loads(held[which])["anchor"]
    for index in range(PLACES):
        proof = bytearray(base64.b64decode(value["proof"]))
        proof[-1 - index // 4] ^= 1 << index % 4
        changed = written({"anchor": {**value, "proof": base64.b64encode(proof).decode()}}) + b"\n"
        report = log.verify(log.plain.with_anchors([*held[:which], changed, *held[which + 1 :]]))
        assert {finding.fault for finding in report.findings} == {Fault.PROOF}, index


def test_swapped_proofs_and_statements_are_found(log: Log) -> None:
    values = [json.loads(line)["anchor"] for line in log.plain.anchors]
    swaps = [
        {**one, field: other[field]}
        for one in values
        for other in values
        for field in ("proof", "statement", "kind")
        if one[field] != other[field]
    ]
    assert len(swaps) > 12
    for swap in swaps:
        others = [line for line in log.plain.anchors if json.loads(line)["anchor"] != swap]
        report = log.verify(log.plain.with_anchors([written({"anchor": swap}) + b"\n", *others]))
        assert {finding.fault for finding in report.findings} == {Fault.PROOF}


@pytest.mark.parametrize("kind", ["another log", "a fork", "another event", "not there yet"])
def test_a_real_anchor_of_something_else_is_found(log: Log, kind: str) -> None:
    first = sha256(log.plain.records[0]).hexdigest()
    for at in log.places():
        head = head_of(log.plain.records[:at])
        if kind == "another log":
            statement = Statement(head, "0" * 64, datetime.now(UTC))
        elif kind == "a fork":
            statement = Statement(Head(at, sha256(b"fork").hexdigest()), first, datetime.now(UTC))
        elif kind == "another event":
            statement = Statement(Head(at + 1, head.hash), first, datetime.now(UTC))
        else:
            statement = Statement(Head(LAST + at, head.hash), first, datetime.now(UTC))
        made = seal_offline(log.authority, statement)
        report = log.verify(log.plain.with_anchors([*log.plain.anchors, made.line]))
        assert {finding.fault for finding in report.findings} == {Fault.ANCHOR}, at
        assert report.first_bad_seq == statement.head.seq


def test_removed_anchors_leave_their_events_unanchored_and_a_copy_outside_tells(log: Log) -> None:
    forged_log = edit_and_rehash_all(log.plain, 30).with_anchors([])
    report = log.verify(forged_log)
    assert (report.ok, report.anchored_to) == (True, 0)  # it agrees with itself, and it says no more
    outside = verify_log.read_anchor(
        json.loads(log.plain.anchors[0])["anchor"], [log.authority.root], datetime.now(UTC)
    )
    report = verify_log.verify(forged_log.lines(), trust=[log.authority.root], anchors=[outside])
    assert (report.ok, report.first_bad_seq) == (False, ANCHORED[0])
    head = verify_log.outside_anchor(str(head_of(log.plain.records)), ())
    assert verify_log.verify(log.plain.lines(), anchors=[head]).anchored_to == LAST
    assert not verify_log.verify(forged_log.lines(), anchors=[head]).ok


# Changes of bodies


def body(log: Forgery, seq: int) -> dict[str, object]:
    line = log.bodies[seq - 1]
    assert line is not None
    return dict(json.loads(line)["body"])


def body_line(value: dict[str, object]) -> bytes:
    return written({"body": value}) + b"\n"


def body_changed(log: Forgery, at: int) -> Forgery:
    return log.with_body(at, body_line({**body(log, at), "text": '{"actor":"somebody"}'}))


def bodies_exchanged(log: Forgery, at: int) -> Forgery:
    one, other = body(log, at), body(log, at + 1)
    changed = log.with_body(at, body_line({**other, "seq": at}))
    return changed.with_body(at + 1, body_line({**one, "seq": at + 1}))


def salts_exchanged(log: Forgery, at: int) -> Forgery:
    one, other = body(log, at), body(log, at + 1)
    changed = log.with_body(at, body_line({**one, "salt": other["salt"]}))
    return changed.with_body(at + 1, body_line({**other, "salt": one["salt"]}))


def body_shifted_into_salt(log: Forgery, at: int) -> Forgery:
    """The digest runs over salt and text: their border must not move."""
    value = body(log, at)
    salt, text = str(value["salt"]), str(value["text"])
    return log.with_body(at, body_line({**value, "salt": salt[:-2], "text": chr(int(salt[-2:], 16)) + text}))


def body_removed(log: Forgery, at: int) -> Forgery:
    return log.with_body(at, None)


def body_called_erased(log: Forgery, at: int) -> Forgery:
    return log.with_body(at, body_line({"seq": at, "erased": True}))


def body_doubled(log: Forgery, at: int) -> Forgery:
    line = log.bodies[at - 1]
    assert line is not None
    return log.with_body(at, line + line)


@pytest.mark.parametrize(
    "change",
    [
        body_changed,
        bodies_exchanged,
        salts_exchanged,
        body_shifted_into_salt,
        body_removed,
        body_called_erased,
        body_doubled,
    ],
)
def test_a_changed_body_is_found_at_its_event(log: Log, change: Change) -> None:
    for at in log.places(bodies=True):
        assert log.verify(change(log.full, at)).first_bad_seq == at
