"""`paraaf demo`: the whole job on sample people: submit, judge, render, sign, verify, compare."""

import argparse
import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import select

from certs.csc_http import CscPace
from certs.serve_authority import AuthorityServer
from certs.serve_csc import CscServer
from certs.trust import load_trust
from cli.demo_told import Outcome, tell
from cli.errors import ChoiceNeeded
from cli.files import make_folder, write_whole
from cli.folder import REGISTER_FILE, TRUST_FILE, add_data_option, add_json_option, require_its_database
from cli.past import MONTHS, MONTHS_MOST, invent
from cli.printing import counted, print_json
from cli.sample_exchange import exchange
from cli.sample_office import DECLARATION, PLAN, SampleOffice
from cli.sample_people import SamplePasswords
from cli.sample_provider import SampleProvider, write_settings
from documents.register import SAMPLE
from signing.organisation import FILE as SIGNING_FILE
from signing.verify.bulk import verify_paths
from signing.verify.report import Report
from throughput.compare import Comparison
from throughput.kept import Keeper
from throughput.scope import Scope
from workflow.authorising import Authorising
from workflow.destruction import NOBODY
from workflow.errors import WorkflowError
from workflow.judge import office_day
from workflow.keys import remote_key
from workflow.logcheck import verify
from workflow.office import SIGNING, Office, utc_now
from workflow.outcomes import Patience
from workflow.people import update_people
from workflow.queue_page import QueueItem
from workflow.remote import signs_next
from workflow.tables import DocumentRow, Incident, Person, Request

VARIANTS = ("A0", "A1", "A3", "A4")
ALL_VARIANTS = (*VARIANTS, "A2", "A4-DUAL", "N")
UNSIGNED = "N"
"""The variant of plans that are not signed; the others are of declarations."""
REMOTE = "A3"
TRIED = ("A1", "A3", "A4")
"""Variants of which requests are left waiting: what is signed with them is signed here."""
REQUESTS_PER_PLAN = 5
ROUNDS_AT_MOST = 40
PROVIDER_LATENCY_MS = 100


def add_parser(subparsers: Any) -> None:
    """Add `paraaf demo`."""
    parser = subparsers.add_parser(
        "demo",
        description="Fill a data folder with sample people and drive requests of each variant through every"
        " step. A program carries out the people's steps, so nothing is reported as human time.",
    )
    add_data_option(parser)
    add_json_option(parser)
    parser.add_argument(
        "--requests",
        type=_whole(1, 100_000),
        default=10,
        metavar="N",
        help="requests of each variant (default: 10)",
    )
    parser.add_argument(
        "--variants",
        type=_variants,
        default=VARIANTS,
        metavar="A0,A1,…",
        help=f"ways of signing (default: {','.join(VARIANTS)})",
    )
    parser.add_argument(
        "--provider-latency",
        type=_whole(0, 10_000),
        default=PROVIDER_LATENCY_MS,
        metavar="MS",
        help="how long the simulated provider, where A3's keys are, waits before each answer"
        f" (default: {PROVIDER_LATENCY_MS})",
    )
    parser.add_argument(
        "--waiting",
        type=_whole(0, 1000),
        default=0,
        metavar="N",
        help="leave so many requests more, of each way of signing and in each state where people work, for"
        " whoever tries the office in a browser (default: 0)",
    )
    parser.add_argument(
        "--history",
        type=_whole(1, MONTHS_MOST),
        nargs="?",
        const=MONTHS,
        metavar="MONTHS",
        help="first invent a past of so many months and this one so far, so that figures have something to"
        f" tell; they say that it is invented (default: none; without a number {MONTHS}). Only for an office"
        " that is made now",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to put the signed PDFs and the comparison"
    )


def run(args: argparse.Namespace) -> int:
    """Do the whole job; 0 when every file passed and the log verifies, else 1."""
    say = _silent if args.json else _say
    require_its_database(args.data)  # before anything is put into the folder of an office
    make_folder(args.data, mode=0o700)
    _require_sample(args.data / REGISTER_FILE)
    if args.history:
        _invent(args, say)
    # somebody is watching: a step that fails is told soon, and not tried for hours
    patience = Patience(tries=4, first_wait_s=0.5, longest_wait_s=2.0)
    with ExitStack() as opened:
        office = opened.enter_context(closing(Office.open(args.data, patience=patience)))
        _require_sample_people(office)
        make_folder((_out(args) / TRUST_FILE).parent)
        opened.enter_context(AuthorityServer(office.authority.folder))
        unsigned = UNSIGNED in args.variants
        provider = _provider(office, unsigned=unsigned) if REMOTE in args.variants else None
        if provider is not None:
            pace = CscPace(latency_s=args.provider_latency / 1000)
            opened.enter_context(CscServer(office.authority.folder, pace=pace))
        settings = provider.settings if provider is not None else None
        if settings is None and unsigned and not _says_how_it_signs(args.data):
            settings = write_settings(office.folder, unsigned=True)
        if settings is not None:
            environ = {**os.environ, SIGNING: str(settings)}
            office = opened.enter_context(closing(Office.open(args.data, patience=patience, environ=environ)))
        demo = _Demo(office, args.requests, args.variants, say, provider=provider)
        outcome = asyncio.run(demo.run(_out(args), compared=args.out is not None))
        asyncio.run(demo.leave_to_people(args.waiting))
    if provider is not None:
        outcome = replace(outcome, provider_latency_ms=args.provider_latency)
    if args.json:
        print_json(outcome.as_dict())
    else:
        tell(outcome, _out(args), args.data, say)
    return 0 if outcome.sound else 1


def _invent(args: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Give the office a past. Raises PastTaken for one that has any."""
    begun, until = monotonic(), utc_now()
    past = invent(args.data, until=until, months=args.history)
    took = f"{monotonic() - begun:.1f} s"
    say(f"a past invented since {past.since:%Y-%m-%d}: {past.requests} requests, in {took}")


def _provider(office: Office, *, unsigned: bool) -> SampleProvider | None:
    """The provider where the sample people's keys are; none where the folder says how it signs."""
    if office.signing.signers or office.register is None:
        return None
    return SampleProvider(office.folder, office.authority, office.register, unsigned=unsigned)


def _says_how_it_signs(folder: Path) -> bool:
    return bool(os.environ.get(SIGNING)) or (folder / SIGNING_FILE).exists()


def _require_sample(register: Path) -> None:
    """Put the sample register there, or see that it is the one there: nobody plays in a real office."""
    sample = SAMPLE.read_bytes()
    if not register.exists():
        write_whole(register, sample, force=False, private=True)
    elif register.read_bytes() != sample:
        raise _real_office(register.parent)


def _require_sample_people(office: Office) -> None:
    register = office.register
    with office.store.read() as session:
        known = list(session.scalars(select(Person.id).where(Person.id != NOBODY)))
    if register is None or not all(map(register.knows, known)):
        raise _real_office(office.folder)


def _real_office(folder: Path) -> ChoiceNeeded:
    return ChoiceNeeded(
        f"The folder {folder} holds an office with people of its own: the demo would act in their names.",
        hint="Name another folder with --data; it is made when it is not there.",
    )


class _Demo:
    def __init__(
        self,
        office: Office,
        count: int,
        variants: Sequence[str],
        say: Callable[[str], None],
        *,
        provider: SampleProvider | None,
    ) -> None:
        self.provider = provider
        self.office = office
        self.count = count
        self.variants = variants
        self.say = say

    async def run(self, out: Path, *, compared: bool) -> Outcome:
        office, begun = self.office, monotonic()
        assert office.register is not None  # noqa: S101 (the sample register was put into the folder)
        with office.store.write() as session:
            people = update_people(session, office.register, now=office.clock()).loaded
        first = office.clock()
        self.say(f"{people} sample people, data folder {office.folder}")
        sample = self._people()
        for variant in self.variants:
            if variant == UNSIGNED:
                sample.submit_plans(self.count, variant)
            else:
                sample.submit_declarations(variant, self.count)
        sample.submit_plans(-(-self.count // REQUESTS_PER_PLAN))
        self.say(f"{len(sample.requests)} requests submitted")
        await self._drive(sample)
        files = self._export(sample, out)
        reports = self._verify(files, out)
        Keeper(office.store).catch_up()
        with office.store.read() as session:
            comparison = Comparison.of(session, Scope(since=first), now=office.clock())
            log = verify(session)
        outcome = Outcome(
            seconds=monotonic() - begun,
            requests=len(sample.requests),
            compared=comparison,
            reports=Counter(report.indication for report in reports),
            failures=[report for report in reports if not report.passed],
            log=log,
            unfinished=self._unfinished(sample),
            look=(
                min(sample.requests),
                next(one.person_id for one in office.register.people() if one.has_duty("clerk")),
            ),
        )
        if compared:
            text = json.dumps(outcome.as_dict(), ensure_ascii=False, indent=2)
            (out / "comparison.json").write_text(text + "\n", encoding="utf-8")
        return outcome

    async def leave_to_people(self, count: int) -> None:
        """Have somebody of each role sign in; leave requests for them to go on with, so many of each."""
        waiting = self._people()
        if count:
            waiting.submit_waiting([one for one in TRIED if one in self.variants], count)
            await self._drive(waiting)
            self.say(f"{len(waiting.requests)} requests wait for people")
        SamplePasswords(self.office.folder, self.office.passwords).of(waiting.busiest())

    def _people(self) -> SampleOffice:
        office = self.office
        assert office.register is not None  # noqa: S101 (the sample register was put into the folder)
        return SampleOffice(
            office.engine,
            office.register,
            office_day(next(iter(office.catalogue)), office.clock()),  # all by the same calendar
            at_provider=self._at_provider,
            prove=SamplePasswords(office.folder, office.passwords).prove,
        )

    async def _drive(self, sample: SampleOffice) -> None:
        """Rounds: everybody does what waits for them, then the worker does what is automatic."""
        async with self.office.steps() as steps, self.office.authorising() as authorising:
            for _ in range(ROUNDS_AT_MOST):
                done = sample.work()
                await self._authorise(sample, authorising)
                await exchange(self.office, sample)
                await self.office.jobs.run_worker(
                    steps.run, on_gave_up=steps.give_up, waiting=steps.waiting, until_idle=True
                )
                if not done:
                    break
                self.say(f"  {counted(done, 'task')} done, automatic steps worked off")

    async def _authorise(self, sample: SampleOffice, authorising: Authorising) -> None:
        """Everybody whose key is at the provider authorises what they have to sign, at once."""
        for person, numbers in sample.to_authorise.items():
            if self.provider is None:
                raise AssertionError("nobody's key is at a provider")
            word = self.provider.word_of(person)
            for outcome in await authorising.authorise(person, numbers, word, channel="program"):
                if outcome.code:
                    raise WorkflowError(f"{outcome.message}", hint=outcome.hint)

    def _at_provider(self, who: str, item: QueueItem) -> bool:
        definition = self.office.catalogue.get(item.key, item.variant)
        profile = self.office.profiles[definition.signing]
        remote = bool(signs_next(definition, item.state))
        return remote and remote_key(profile, who, self.office.signing.signers) is not None

    def _export(self, sample: SampleOffice, out: Path) -> list[Path]:
        """Write the signed PDFs, a folder per variant, and the root to trust."""
        write_whole(out / TRUST_FILE, self.office.authority.root_pem, force=True)
        with self.office.store.read() as session:
            rows = session.execute(
                select(Request.key, Request.variant, DocumentRow.number, DocumentRow.current_sha256)
                .join(Request, Request.id == DocumentRow.request_id)
                .where(DocumentRow.level_reached.is_not(None), Request.id.in_(sample.requests))
                .order_by(DocumentRow.id)
            ).all()
        files = []
        for key, variant, number, sha256 in rows:
            folder = out / (variant if key == DECLARATION else PLAN)
            make_folder(folder)
            files.append(folder / f"{number}.pdf")
            files[-1].write_bytes(self.office.blobs.get(sha256))
        self.say(f"{len(files)} signed PDFs in {out}")
        return files

    def _verify(self, files: Sequence[Path], out: Path) -> list[Report]:
        trust = load_trust([out / TRUST_FILE])
        return list(verify_paths(files, trust, jobs=2, at=None, now=datetime.now(UTC)))

    def _unfinished(self, sample: SampleOffice) -> dict[str, int]:
        """Requests that are neither at their end nor where a running plan stays, by state and reason."""
        with self.office.store.read() as session:
            rows = session.execute(
                select(Request.key, Request.state, Incident.message)
                .outerjoin(Incident, (Incident.request_id == Request.id) & Incident.resolved_at.is_(None))
                .where(
                    Request.id.in_(sample.requests), Request.closed_at.is_(None), Request.state != "running"
                )
            )
            return dict(Counter(f"{key}: {state}" + (f": {why}" if why else "") for key, state, why in rows))


def _out(args: argparse.Namespace) -> Path:
    """Where the signed PDFs go."""
    out: Path | None = args.out
    data: Path = args.data
    return out or data / "signed"


def _say(text: str) -> None:
    print(text, flush=True)


def _silent(text: str) -> None:
    """Print nothing: --json prints one document."""


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Reads a number within these."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"give a number from {least} to {most}")
        return int(text)

    return read


def _variants(text: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(text.upper().split(",")))
    if unknown := [variant for variant in chosen if variant not in ALL_VARIANTS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(ALL_VARIANTS)}")
    return chosen
