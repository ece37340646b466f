"""How long a signature takes: stock pyHanko, ours, and the bare key operation, in one run on one machine.

Run `python -m benchmarks.signing`. Timestamps and revocation answers come over loopback from the development
authority in a process of its own, which shares the machine's cores. CPU is this process's own, the least of
several rounds; stock and ours take turns, so that a busy machine is busy for both. Stock is pyHanko as its
documentation shows it: SimpleSigner, HTTPTimeStamper, a fetching ValidationContext, its own default digest.
"""

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from asn1crypto import keys, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer
from documents.kinds import KINDS
from documents.render import SignatureSlot, render
from signing.authorities import TimestampAuthority
from signing.pades import Finished, SigningDesk
from signing.prepared import Prepared
from signing.profile import Level, Profile
from signing.revocation_check import CarriedAnswers
from signing.selfcheck import check_finished
from signing.signers import SoftwareSigner
from signing.stamp import Appearance

KEY_TYPES = ("P-256", "RSA-2048")
ROUNDS, STOCK_EACH, OURS_EACH = 4, 5, 40
IN_FLIGHT, PARALLEL_DOCUMENTS, PARALLEL_ROUNDS = 16, 300, 15
# What issue and architecture ask for, as factors over stock; None where only the figure is wanted.
TARGETS = {("P-256", Level.B_B): 15, ("RSA-2048", Level.B_B): 50} | {
    (key_type, level): 20 for key_type in KEY_TYPES for level in (Level.B_LT, Level.B_LTA)
}


@dataclass(frozen=True)
class Row:
    """One line of the table: milliseconds a document, factor over stock, documents a second."""

    name: str
    key_type: str
    level: str
    cpu_ms: float | None = None
    wall_ms: float | None = None
    factor: float | None = None
    target: float | None = None
    documents_per_s: float | None = None


def now() -> datetime:
    return datetime.now(UTC)


def profile(level: Level) -> Profile:
    return Profile(
        name="bench",
        title="Bench",
        kind="person",
        level=level,
        timestampers=("development",),
        reason="Measured",
    )


def declaration() -> bytes:
    kind = KINDS["employer_declaration"]
    return render(
        "employer_declaration",
        kind.json_of(kind.parse(kind.example())),
        number="2026-000001",
        verification_code="K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS",
        issued_on=date(2026, 11, 20),
        valid_until=date(2027, 2, 20),
        slots=[SignatureSlot("employer", "Employer")],
        archive_timestamp=True,
        verify_url=None,
        note=None,
    )


def loaded(certificate: Any) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))


class Stock:
    """Plain documented pyHanko: one signer, a timestamper and a validation context for each document."""

    def __init__(self, authority: DevelopmentAuthority, credential: Credential, level: Level) -> None:
        self._root = loaded(authority.root)
        self._tsa_url = authority.tsa_url
        self._level = level
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # it has no annotation
        store.register_multiple([loaded(above) for above in credential.chain])
        key = credential.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._signer = SimpleSigner(
            signing_cert=loaded(credential.certificate),
            signing_key=keys.PrivateKeyInfo.load(key),
            cert_registry=store,
        )

    def sign(self, pdf: bytes) -> bytes:
        long_term = self._level.reaches(Level.B_LT)
        context = None
        if long_term:
            context = ValidationContext(
                trust_roots=[self._root], allow_fetching=True, revocation_mode="hard-fail"
            )
        metadata = PdfSignatureMetadata(
            field_name="employer",
            subfilter=SigSeedSubFilter.PADES,
            reason="Measured",
            embed_validation_info=long_term,
            use_pades_lta=self._level is Level.B_LTA,
            validation_context=context,
        )
        timestamper = HTTPTimeStamper(self._tsa_url) if self._level.reaches(Level.B_T) else None
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        signed: bytes = sign_pdf(writer, metadata, signer=self._signer, timestamper=timestamper).getvalue()
        return signed


class Ours:
    """A desk that stays open, as a worker keeps it."""

    def __init__(self, desk: SigningDesk, credential: Credential, level: Level) -> None:
        self._desk = desk
        self._credential = credential
        self._signer = SoftwareSigner(credential)
        self._profile = profile(level)
        self._level = level

    async def sign(self, pdf: bytes) -> tuple[Prepared, Finished]:
        claimed_at = now()
        prepared = await self._desk.prepare(
            pdf,
            field="employer",
            signer=self._signer,
            profile=self._profile,
            appearance=Appearance.of(
                name="Zoë Voorbeeld",
                role="Signer",
                claimed_at=claimed_at,
                level=self._level,
                certificate=self._credential.certificate,
            ),
            claimed_at=claimed_at,
        )
        value = await self._desk.sign(pdf, prepared, self._signer)
        return prepared, await self._desk.finish(pdf, prepared, value, profile=self._profile)

    def check(self, prepared: Prepared, finished: Finished, answers: CarriedAnswers) -> None:
        """The self-check alone, up to B-LT: what `finish` does at its end."""
        asked = min(self._level, Level.B_LT, key=lambda level: level.rank)
        check_finished(
            finished.pdf,
            signature=prepared.gap,
            archive=None,
            asked=asked,
            chains=self._desk.chains,
            answers=answers,
            now=now(),
        )


Timing = tuple[float, float]


def timed(count: int, action: Callable[[], object]) -> Timing:
    """CPU and wall milliseconds for one of `count` runs."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        action()
    return (time.process_time() - cpu) * 1000 / count, (time.perf_counter() - wall) * 1000 / count


async def timed_async(count: int, action: Callable[[], Awaitable[object]]) -> Timing:
    """The same for a coroutine, one after the other on the running loop."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        await action()
    return (time.process_time() - cpu) * 1000 / count, (time.perf_counter() - wall) * 1000 / count


def opened_desk(authority: DevelopmentAuthority) -> Any:
    return SigningDesk.open(
        trust=authority.trust,
        clock=now,
        timestamp_authorities=[TimestampAuthority("development", authority.tsa_url)],
    )


def compare(authority: DevelopmentAuthority, credential: Credential, level: Level, pdf: bytes) -> list[Row]:
    """Stock and ours in turns; rows for stock, ours, and ours without the self-check."""
    stock = Stock(authority, credential, level)
    stock_runs: list[Timing] = []
    our_runs: list[Timing] = []
    check_runs: list[Timing] = []

    async def ours_round(desk: SigningDesk) -> None:
        ours = Ours(desk, credential, level)
        our_runs.append(await timed_async(OURS_EACH, lambda: ours.sign(pdf)))
        prepared, finished = await ours.sign(pdf)
        answers = CarriedAnswers()
        ours.check(prepared, finished, answers)
        check_runs.append(timed(OURS_EACH, lambda: ours.check(prepared, finished, answers)))

    with asyncio.Runner() as runner:
        manager = opened_desk(authority)
        desk = runner.run(manager.__aenter__())
        stock.sign(pdf)
        runner.run(Ours(desk, credential, level).sign(pdf))
        for _ in range(ROUNDS):
            stock_runs.append(timed(STOCK_EACH, lambda: stock.sign(pdf)))
            runner.run(ours_round(desk))
        runner.run(manager.__aexit__(None, None, None))
    theirs, own, check = min(stock_runs), min(our_runs), min(check_runs)
    bare = (own[0] - check[0], own[1] - check[1])
    key_type, target = credential.key_type, TARGETS.get((credential.key_type, level))
    return [
        Row("stock pyHanko", key_type, level, *theirs, 1.0, None, 1000 / theirs[1]),
        Row("ours", key_type, level, *own, theirs[0] / own[0], target, 1000 / own[1]),
        Row(
            "ours, without the self-check", key_type, level, *bare, theirs[0] / bare[0], None, 1000 / bare[1]
        ),
    ]


def raw_key(credential: Credential) -> Row:
    """The bare signature operation over 100 bytes."""
    key = credential.private_key
    if isinstance(key, rsa.RSAPrivateKey):
        cpu, wall = timed(200, lambda: key.sign(b"x" * 100, padding.PKCS1v15(), hashes.SHA256()))
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        cpu, wall = timed(200, lambda: key.sign(b"x" * 100, ec.ECDSA(hashes.SHA256())))
    return Row("raw key operation", credential.key_type, "-", cpu, wall, None, None, 1000 / wall)


def work(folder: str, key_type: str, level: str, pdf: bytes, orders: Connection) -> None:
    """One worker process: sign as many documents as ordered, IN_FLIGHT at a time, until ordered none."""
    authority = DevelopmentAuthority.open(Path(folder))
    credential = authority.person("e-1", "Zoë Voorbeeld", key_type=key_type, now=now())

    async def run() -> None:
        async with opened_desk(authority) as desk:
            ours = Ours(desk, credential, Level(level))
            places = asyncio.Semaphore(IN_FLIGHT)

            async def one() -> None:
                async with places:
                    await ours.sign(pdf)

            await one()
            orders.send("ready")
            while count := orders.recv():
                await asyncio.gather(*(one() for _ in range(count)))
                orders.send("done")

    asyncio.run(run())


@contextmanager
def two_workers(folder: Path, key_type: str, level: Level, pdf: bytes) -> Iterator[tuple[Connection, ...]]:
    """Two worker processes that are ready to sign, each at the other end of a pipe."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(2)]
    workers = [
        context.Process(target=work, args=(str(folder), key_type, level.value, pdf, there))
        for _, there in pipes
    ]
    for worker in workers:
        worker.start()
    orders = tuple(here for here, _ in pipes)
    for each in orders:
        each.recv()
    yield orders
    for each in orders:
        each.send(0)
    for worker in workers:
        worker.join()


def documents_a_second(workers: Sequence[Connection], count: int) -> float:
    """How many documents a second these workers sign together, each of them `count`."""
    began = time.perf_counter()
    for worker in workers:
        worker.send(count)
    for worker in workers:
        worker.recv()
    return len(workers) * count / (time.perf_counter() - began)


def scaling(folder: Path, pdf: bytes) -> list[Row]:
    """Documents a second on one and on two processes; from B-T on the authority shares the cores.

    One and two take turns, so that a machine whose speed drifts is slow for both: the factor is the median of
    the rounds' ratios, the figures are medians too.
    """
    rows = []
    for key_type in KEY_TYPES:
        for level in (Level.B_B, Level.B_LTA):
            count = PARALLEL_DOCUMENTS // (1 if level is Level.B_B else 4)
            with two_workers(folder, key_type, level, pdf) as workers:
                pairs = [
                    (
                        # each of the two is the one that works alone in turn
                        documents_a_second(workers[turn % 2 : turn % 2 + 1], count),
                        documents_a_second(workers, count),
                    )
                    for turn in range(PARALLEL_ROUNDS)
                ]
            one, two = (median(rates) for rates in zip(*pairs, strict=True))
            factor = median(both / alone for alone, both in pairs)
            target = 1.8 if level is Level.B_B else None
            rows.append(Row("ours, 1 process", key_type, level, documents_per_s=one))
            rows.append(
                Row("ours, 2 processes", key_type, level, factor=factor, target=target, documents_per_s=two)
            )
    return rows


def measured() -> list[Row]:
    """Measure everything; takes a minute or two."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "authority"
        authority = DevelopmentAuthority.create(
            folder, base_url=free_base_url(), now=now() - timedelta(hours=1)
        )
        pdf, rows = declaration(), []
        with AuthorityServer(folder):
            for key_type in KEY_TYPES:
                credential = authority.person("e-1", "Zoë Voorbeeld", key_type=key_type, now=now())
                rows.append(raw_key(credential))
                for level in Level:
                    rows.extend(compare(authority, credential, level, pdf))
            rows.extend(scaling(folder, pdf))
    return rows


def table(rows: list[Row] | None = None) -> str:
    """The table as Markdown, measured now unless rows are given."""

    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    lines = [
        "| what | key | level | CPU ms | wall ms | factor | target | documents/s |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows or measured():
        cells = (
            row.name,
            row.key_type,
            row.level,
            number(row.cpu_ms, ".3f"),
            number(row.wall_ms, ".3f"),
            number(row.factor, ".2f" if row.cpu_ms is None else ".1f"),
            number(row.target, "g"),
            number(row.documents_per_s, ".0f"),
        )
        lines.append(f"| {' | '.join(cells)} |")
    load = f"{os.getloadavg()[0]:.1f}"
    lines.append(
        f"\nFactors of CPU time over stock; of documents a second for two processes. Load {load} at the end."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
