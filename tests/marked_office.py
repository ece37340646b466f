"""An office whose requesters are marked: every personal value holds a word that is nowhere else.

`found_in` looks for the word in every file of a folder, byte by byte: as UTF-8 (which is how JSON and the
database have it too), as UTF-16, and in whatever can be inflated, such as the streams of PDFs. A server's
files are looked through alike, if `uncompressed` has it compress nothing in a way of its own.
"""

import asyncio
import csv
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select, text
from sqlalchemy import table as sql_table

from cli.sample_exchange import scanned_in
from documents.register import SAMPLE, Register
from signing.errors import SigningError
from signing.scans import matched, read_scan
from tests.databases import as_owner
from tests.steps_office import CLERK, DECLARATION, MANAGER, OTHER_SIGNER, QUICK, SIGNER, KeyedOffice, Sample
from web.kept_form import Typed
from workflow import outside_given, outside_scans
from workflow.commands import Submission
from workflow.kept_forms import form_name
from workflow.office import REGISTER_FILE
from workflow.outside import By
from workflow.people import update_people
from workflow.store import Store
from workflow.substitutes import Substitution, name_substitute

WORD = "Qvxzkw"
"""What all markers begin with."""
_WORD = re.compile(
    b"|".join(re.escape(WORD.encode(how)) for how in ("utf-8", "utf-16-le", "utf-16-be")), re.I
)
_INFLATABLE = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
PIECE = 1 << 12
_VARIANTS = ("A3", "A1", "A4", "A0")


def marker(kind: str, number: int) -> str:
    """A word of its own, with a letter that JSON and UTF-16 write otherwise."""
    return f"{WORD}{kind}é{number}"


class MarkedOffice:
    """People who ask for declarations, in an office that works on them."""

    def __init__(self, folder: Path, people: int, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.people = [f"{WORD}-P{number}" for number in range(people)]
        self._rows = list(csv.DictReader(SAMPLE.read_text(encoding="utf-8").splitlines()))
        self._write_register([*self._staff(), *map(self._marked, range(people))])
        self.sample = Sample(KeyedOffice.open(folder, environ=environ or {}, patience=QUICK))
        with self.sample.office.store.write() as session:
            update_people(session, self.sample.register, now=self.sample.office.clock())
            today = self.sample.today
            swap = Substitution(self.people[1], self.people[0], None, today, today)
            name_substitute(session, swap, now=self.sample.office.clock())

    def submit_all(self) -> list[int]:
        """A request of each: by turns of every variant, some returned, drafted, withdrawn; told by number."""
        return [self._submit(number) for number in range(len(self.people))]

    def leave(self) -> None:
        """All who are marked leave: the register is loaded anew, without them."""
        self._write_register(self._staff())
        register = Register.load(self.folder / REGISTER_FILE)
        with self.sample.office.store.write() as session:
            update_people(session, register, now=self.sample.office.clock())

    async def work(self) -> None:
        """Bring every request to its end."""
        for _ in range(12):
            await self.sample.work()
            if not (self.sample.act() + await asyncio.to_thread(self._act_on_paper)):
                break

    def _submit(self, number: int) -> int:
        person, sample = self.people[number], self.sample
        data: dict[str, Any] = sample.register.prefill(person, on=sample.today)
        data["employee"]["maiden_name"] = f"Voorbeeld {marker('Text', number)}"
        variant = _VARIANTS[number % len(_VARIANTS)]
        submission = Submission(DECLARATION, variant, "en", marker("Reference", number))
        request = sample.do("submit", person, None, data=data, submission=submission)
        if number % 3 == 1:
            sample.do("return", MANAGER, request, remark=f"Look at {marker('Remark', number)}.")
            draft = {"employee": data["employee"] | {"maiden_name": marker("Draft", number)}}
            sample.do("save_draft", person, request, data=draft)
            if number % 2:
                sample.do("withdraw", person, request)
            else:
                sample.do("submit", person, request)
        self._look_over(number, request)
        return request

    def _look_over(self, number: int, request: int) -> None:
        """Forms that were not sent: of a new request, and of one by somebody who stays."""
        person, kept = self.people[number], self.sample.office.kept_forms
        typed = Typed("key", {"employee": marker("Typed", number)})
        kept.keep(form_name(person), person, "new", typed)
        kept.keep(form_name(request), CLERK, f"edit:{request}", typed, request=request)

    def _act_on_paper(self) -> int:
        done = 0
        for request in self.sample.requests():
            turn = {
                "printing": (CLERK, "printed"),
                "wet_signature": (SIGNER, "signed"),
                "stamping": (CLERK, "stamped"),
                "scanning": (CLERK, "scanned"),
                "posting": (CLERK, "posted"),
            }.get(request.state)
            if turn is None:
                continue
            actor, trigger = turn
            done += 1
            definition = self.sample.office.catalogue.by_hash(request.definition_sha256)
            asked = definition.states[request.state].triggers[trigger].record
            if (file := definition.states[request.state].triggers[trigger].file) is not None:
                self._hand_over(request.id, file)
                continue
            facts = {"signed_by": marker("Signer", request.id)}
            facts |= dict.fromkeys(("signed_on", "posted_on"), self.sample.today.isoformat())
            typed = {name: facts[name] for name in asked}
            self.sample.do(trigger, actor, request.id, facts=typed)
        return done

    def _hand_over(self, number: int, file: str) -> None:
        """Give the pages out to be printed; or take in their scan."""
        by, office = By(CLERK, channel="program"), self.sample.office
        if file == "given":
            outside_given.give(office, number, by)
            return
        [scan], _ = matched(read_scan(scanned_in(outside_given.given_out(office, number, by).pdf)))
        with suppress(SigningError):  # its seal waits for an authority: the next round takes it in
            outside_scans.take_scan(office, scan, by)

    def _staff(self) -> list[dict[str, str]]:
        wanted = {MANAGER, CLERK, SIGNER, OTHER_SIGNER}
        return [row for row in self._rows if row["person_id"] in wanted]

    def _marked(self, number: int) -> dict[str, str]:
        unit = next(row for row in self._rows if row["person_id"] == MANAGER)["unit"]
        like = next(
            row
            for row in self._rows
            if (row["unit"], row["duties"], row["contract"]) == (unit, "", "permanent")
            and not row["wage_garnishment_monthly"]
        )
        return like | {
            "person_id": self.people[number],
            "name": f"A. {marker('Name', number)}",
            "maiden_name": "",
            "address": f"{marker('Street', number)} 1",
            "town": marker("Town", number),
            "reorganisation": "yes",
            "reorganisation_impact": marker("Impact", number),
        }

    def _write_register(self, rows: Sequence[dict[str, str]]) -> None:
        fresh = self.folder / "register.part"
        with fresh.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(self._rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        fresh.replace(self.folder / REGISTER_FILE)


def found_in(folder: Path) -> dict[str, int]:
    """How often a marker is in each file of a folder, and in each name of one; files without are left out."""
    return found_in_files(path for path in sorted(folder.rglob("*")) if path.is_file())


def found_in_files(paths: Iterable[Path]) -> dict[str, int]:
    """The same in these files; the keys are their names with those of their folders."""
    counts: dict[str, int] = {}
    for path in paths:
        content = path.read_bytes()
        if count := _count(path.name.encode()) + _count(content):
            counts[str(path)] = count
    return counts


def found_in_tables(store: Store) -> dict[str, int]:
    """How often a marker is in the rows of each table of the database; tables without are left out."""
    counts: dict[str, int] = {}
    with store.read() as session:
        for table in inspect(session.connection()).get_table_names():
            for row in session.execute(select(text("*")).select_from(sql_table(table))):
                values = (one if isinstance(one, bytes) else str(one).encode() for one in row)
                if count := sum(map(_count, values)):
                    counts[table] = counts.get(table, 0) + count
    return counts


def uncompressed(store: Store) -> None:
    """Have a server keep long values as they are, so that its files can be looked through."""
    for table, columns in _columns(store).items():
        changes = ", ".join(f'ALTER COLUMN "{column}" SET STORAGE EXTERNAL' for column in columns)
        as_owner(store, f'ALTER TABLE "{table}" {changes}')


def _columns(store: Store) -> dict[str, list[str]]:
    """The columns of each table that may be compressed."""
    query = text(
        "SELECT relname, array_agg(attname::text) AS columns"
        " FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attstorage = 'x' AND attnum > 0"
        " AND NOT attisdropped GROUP BY relname"
    )
    with store.read() as session:
        return {row.relname: row.columns for row in session.execute(query)}


def _count(content: bytes) -> int:
    return sum(len(_WORD.findall(one)) for one in (content, *_inflated(content)))


def _inflated(content: bytes) -> Iterator[bytes]:
    """Whatever in these bytes looks deflated, as far as it can be inflated."""
    for start in _INFLATABLE.finditer(content):
        inflater = zlib.decompressobj()
        try:
            for place in range(start.start(), len(content), PIECE):
                yield inflater.decompress(content[place : place + PIECE], 5_000_000)
                if inflater.eof:
                    break
        except zlib.error:
            continue
