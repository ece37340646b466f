"""A whole run, watched: what its log, its traces and its figures say, and that they name nobody."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.metrics_core import Metric

from certs.serve_authority import AuthorityServer
from signing.signers import SoftwareSigner
from tests.databases import KINDS, fresh
from tests.steps_office import CLERK, QUICK, Sample
from watching import logs, spans
from watching.errors import TracesUnavailable, WatchingSetting
from workflow.errors import Refused
from workflow.figures import Figures
from workflow.tables import Person

ROOT = Path(__file__).resolve().parents[2]
HOLDER = "Vera Sample-Person"


class Run:
    """What was written while two declarations were made, one of which met trouble."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        sample = Sample.open(folder, environ, patience=replace(QUICK, tries=2))
        self.sample = sample
        spans.install(provider)
        try:
            self.numbers = [sample.submit("A4"), sample.submit("A3")]
            with AuthorityServer(sample.office.authority.folder, faults=("tsa-down",)):
                asyncio.run(self._bring(1))
            sample.do("repair", CLERK, 1)
            with AuthorityServer(sample.office.authority.folder):
                asyncio.run(self._bring(8))
                self._break_a_certificate()
        finally:
            spans.install(None)
        self.spans: list[ReadableSpan] = list(exporter.get_finished_spans())
        self.families: list[Metric] = [
            *Figures(sample.office).families(),
            *sample.office.meters.registry.collect(),
        ]

    async def _bring(self, rounds: int) -> None:
        for _ in range(rounds):
            self.sample.act()
            await self.sample.work()
            if not any(request.closed_at is None for request in self.sample.requests()):
                break
            if rounds == 1:
                await self.sample.run_until("sealing", 1)
                await self.sample.work()

    def _break_a_certificate(self) -> None:
        """Somebody's certificate is revoked: an error that names them."""
        office = self.sample.office
        credential = office.authority.issue(HOLDER, now=office.clock())
        office.authority.revoke(credential.certificate.serial_number, at=office.clock())
        office.special["seal"] = SoftwareSigner(credential)
        self.failed = self.sample.submit("A4")
        asyncio.run(self.sample.run_until("sealing", self.failed))
        asyncio.run(self.sample.work())


@pytest.fixture(scope="module", params=KINDS)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Run, str]]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database, watched(folder, database.environ) as run:
        yield run


@contextmanager
def watched(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[Run, str]]:
    """The run, and everything that was logged meanwhile."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    root, handler = logging.getLogger(), Kept()
    level = root.level
    handler.setFormatter(logs.JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        found = Run(folder, environ)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    yield found, "\n".join(lines)
    found.sample.office.close()


def told(log: str, event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, log.splitlines()) if line["event"] == event]


def personal(run: Run) -> list[str]:
    """Ids, names and what people typed."""
    people = run.sample.rows(Person)
    typed = [request.data["income"]["gross_yearly"] for request in run.sample.requests()]
    return [HOLDER, *(person.name for person in people), *(person.id for person in people), *map(str, typed)]


def test_the_log_names_nobody(run: tuple[Run, str]) -> None:
    found, log = run
    assert len(log.splitlines()) > 50
    assert not [word for word in personal(found) if json.dumps(word)[1:-1] in log]


def test_the_figures_name_nobody(run: tuple[Run, str]) -> None:
    found, _ = run
    labels = {
        value for family in found.families for sample in family.samples for value in sample.labels.values()
    }
    units = {person.unit for person in found.sample.rows(Person)}
    assert not labels & ({*personal(found)} | units)


def test_the_spans_name_nobody(run: tuple[Run, str]) -> None:
    found, _ = run
    text = "\n".join(span.to_json() for span in found.spans)
    assert not [word for word in personal(found) if word in text]


def test_commands_are_logged_with_their_ids(run: tuple[Run, str]) -> None:
    _, log = run
    submitted = [line for line in told(log, "command_ended") if line["trigger"] == "submit"]
    assert [line["request"] for line in submitted] == [1, 2, 3]
    assert {line["outcome"] for line in submitted} == {"done"}
    assert len({line["command"] for line in submitted}) == 3
    assert all(line["event_seq"] > 0 and line["duration_ms"] >= 0 for line in submitted)


def test_steps_are_logged_with_request_job_worker_and_durations(run: tuple[Run, str]) -> None:
    _, log = run
    signed = [line for line in told(log, "step_ended") if line["step"] == "sign" and "job" in line]
    assert {(line["request"], line["variant"]) for line in signed} >= {(1, "A4"), (2, "A3")}
    done = [line for line in signed if line["outcome"] == "done"]
    assert all(line["worker"] and line["durations_us"]["timestamp"] > 0 for line in done)


def test_trouble_is_logged_with_its_code(run: tuple[Run, str]) -> None:
    found, log = run
    assert told(log, "timestamp_failed")[0]["authority"] == "development"
    assert told(log, "step_retried")[0]["code"] == "signing-timestamp"
    given_up = {(line["request"], line["code"]) for line in told(log, "step_given_up")}
    assert given_up >= {(1, "signing-timestamp"), (found.failed, "signing-certificate-revoked")}
    begun, ended = told(log, "worker_started"), told(log, "worker_stopped")
    assert len(begun) == len(ended) > 0


def test_an_incident_names_nobody_and_its_event_does(run: tuple[Run, str]) -> None:
    found, _ = run
    (incident,) = found.sample.incidents(found.failed)
    assert HOLDER not in incident.message
    assert incident.message == "The signer's certificate, or one above it, has been revoked."


def value(run: Run, name: str, **labels: str) -> float:
    return run.sample.office.meters.registry.get_sample_value(name, labels) or 0.0


def test_steps_commands_and_authorities_are_counted(run: tuple[Run, str]) -> None:
    found, _ = run
    sign = {"step": "sign", "variant": "A4"}
    assert value(found, "paraaf_steps_total", **sign, outcome="retry") == 2  # and then it was given up
    assert value(found, "paraaf_steps_total", **sign, outcome="done") == 1
    assert value(found, "paraaf_steps_total", **sign, outcome="gave-up") == 1
    assert value(found, "paraaf_step_seconds_count", **sign) == 1
    assert value(found, "paraaf_step_seconds_sum", **sign) > 0
    assert value(found, "paraaf_commands_total", trigger="submit", outcome="done") == 3
    assert value(found, "paraaf_timestamp_authority_failures_total", authority="development") >= 2
    assert value(found, "paraaf_timestamp_authority_up", authority="development") == 1
    assert value(found, "paraaf_timestamp_authority_seconds_count", authority="development") >= 3


def test_what_nobody_knows_is_no_label(run: tuple[Run, str]) -> None:
    found, _ = run
    with pytest.raises(Refused):
        found.sample.do("shred everything of mine", CLERK, 1)
    assert value(found, "paraaf_commands_total", trigger="unknown", outcome="refused") == 1


def test_spans_are_nested_as_the_work_is(run: tuple[Run, str]) -> None:
    found, _ = run
    by_id = {span.context.span_id: span.name for span in found.spans if span.context}
    pairs = {(by_id.get(span.parent.span_id) if span.parent else None, span.name) for span in found.spans}
    assert pairs >= {(None, "command"), (None, "job"), ("job", "step"), ("step", "timestamp")}
    failed = [span for span in found.spans if span.name == "timestamp" and not span.status.is_ok]
    assert {
        (span.attributes or {})["paraaf.code"] for span in failed if span.status.status_code.value == 2
    } == {"signing-timestamp"}
    assert not [span for span in found.spans if span.events]


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env={"PYTHONPATH": str(ROOT), **environ}, capture_output=True, text=True, check=False
    )


def test_without_an_endpoint_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys, workflow.office\nfrom watching import spans\nspans.start()\n"
        "with spans.span('x'): pass\n"
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    assert python(code).stdout == "[]\n"


def test_with_an_endpoint_spans_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from watching import spans\nspans.start()\nprint(len(spans._tracers))"
    # nothing is sent: there is no span
    assert python(code, PARAAF_TRACES="http://127.0.0.1:9/v1/traces").stdout == "1\n"
    assert python(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9").stdout == "1\n"
    assert python(code).stdout == "0\n"


def test_asked_for_and_not_installed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(TracesUnavailable, match="not installed") as caught:
        spans.start({"PARAAF_TRACES": "http://127.0.0.1:9/v1/traces"})
    assert "paraaf[otel]" in caught.value.hint


def test_an_endpoint_that_is_no_address_is_refused() -> None:
    with pytest.raises(WatchingSetting, match="PARAAF_TRACES"):
        spans.start({"PARAAF_TRACES": "yes"})
