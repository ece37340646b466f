"""An office whose requesters are marked: every personal value holds a word that is nowhere else.

`found_in` looks for the word in every file of a folder, byte by byte: as UTF-8 (which is how JSON and the
database have it too), as UTF-16, and in whatever can be inflated, such as the streams of PDFs.
"""

import csv
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from documents.register import SAMPLE, Register
from tests.steps_office import CLERK, DECLARATION, MANAGER, OTHER_SIGNER, QUICK, SIGNER, KeyedOffice, Sample
from workflow.commands import Submission
from workflow.office import REGISTER_FILE
from workflow.people import update_people

WORD = "Qvxzkw"
"""What all markers begin with."""
_WORD = re.compile(
    b"|".join(re.escape(WORD.encode(how)) for how in ("utf-8", "utf-16-le", "utf-16-be")), re.I
)
_INFLATABLE = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_VARIANTS = ("A3", "A1", "A4", "A0")


def marker(kind: str, number: int) -> str:
    """A word of its own, with a letter that JSON and UTF-16 write otherwise."""
    return f"{WORD}{kind}é{number}"


class MarkedOffice:
    """People who ask for declarations, in an office that works on them."""

    def __init__(self, folder: Path, people: int) -> None:
        self.folder = folder
        self.people = [f"{WORD}-P{number}" for number in range(people)]
        self._rows = list(csv.DictReader(SAMPLE.read_text(encoding="utf-8").splitlines()))
        self._write_register([*self._staff(), *map(self._marked, range(people))])
        self.sample = Sample(KeyedOffice.open(folder, environ={}, patience=QUICK))
        with self.sample.office.store.write() as session:
            update_people(session, self.sample.register)

    def submit_all(self) -> list[int]:
        """A request of each: by turns of every variant, some returned, drafted, withdrawn; told by number."""
        return [self._submit(number) for number in range(len(self.people))]

    def leave(self) -> None:
        """All who are marked leave: the register is loaded anew, without them."""
        self._write_register(self._staff())
        register = Register.load(self.folder / REGISTER_FILE)
        with self.sample.office.store.write() as session:
            update_people(session, register)

    async def work(self) -> None:
        """Bring every request to its end."""
        for _ in range(12):
            await self.sample.work()
            if not (self.sample.act() + self._act_on_paper()):
                break

    def _submit(self, number: int) -> int:
        person, sample = self.people[number], self.sample
        data: dict[str, Any] = sample.register.prefill(person, on=sample.today)
        data["other"]["supplementary_statement"] = f"Works {marker('Text', number)} hours."
        variant = _VARIANTS[number % len(_VARIANTS)]
        submission = Submission(DECLARATION, variant, "en", marker("Reference", number))
        request = sample.do("submit", person, None, data=data, submission=submission)
        if number % 3 == 1:
            sample.do("return", MANAGER, request, remark=f"Look at {marker('Remark', number)}.")
            draft = {"other": data["other"] | {"supplementary_statement": marker("Draft", number)}}
            sample.do("save_draft", person, request, data=draft)
            if number % 2:
                sample.do("withdraw", person, request)
            else:
                sample.do("submit", person, request)
        return request

    def _act_on_paper(self) -> int:
        done = 0
        for request in self.sample.requests():
            turn = {
                "printing": (CLERK, "printed"),
                "wet_signature": (SIGNER, "signed"),
                "stamping": (CLERK, "stamped"),
                "posting": (CLERK, "posted"),
            }.get(request.state)
            if turn is None:
                continue
            actor, trigger = turn
            definition = self.sample.office.catalogue.by_hash(request.definition_sha256)
            asked = definition.states[request.state].triggers[trigger].record
            facts = {"signed_by": marker("Signer", request.id)}
            facts |= dict.fromkeys(("signed_on", "posted_on"), self.sample.today.isoformat())
            typed = {name: facts[name] for name in asked}
            self.sample.do(trigger, actor, request.id, facts=typed)
            done += 1
        return done

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
    counts: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            texts = [str(path.relative_to(folder)).encode(), content, *_inflated(content)]
            if count := sum(len(_WORD.findall(text)) for text in texts):
                counts[str(path.relative_to(folder))] = count
    return counts


def _inflated(content: bytes) -> Iterator[bytes]:
    """Whatever in these bytes looks deflated, and can be inflated."""
    for start in _INFLATABLE.finditer(content):
        inflater = zlib.decompressobj()
        try:
            yield inflater.decompress(content[start.start() :], 5_000_000)
        except zlib.error:
            continue
