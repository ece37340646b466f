"""The whole API by its own description: whatever fits it, what doesn't, and one call after another.

Schemathesis makes the calls: none ends in an error of ours, and each answer is one that the description has,
in the form that it has there. `PARAAF_CAMPAIGN=N` makes N times as many.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from tests.api_office import BASE, Desked, made_token, opened
from tests.campaign import times
from tests.databases import KINDS
from tests.steps_office import CLERK, MANAGER
from web.api import answers, files, guard
from web.rates import Rate
from workflow.logcheck import verify
from workflow.tables import Event, Grant

# The product's own words are no part of what is looked for: only the shape of what is sent and told.
SETTINGS = """
[checks]
# what fits the description can be refused by the office all the same: 422, with its reasons
positive_data_acceptance.enabled = false
# of a version that is missing (RFC 6585, 3)
missing_required_header.expected-statuses = [400, 401, 403, 406, 415, 422, 428]
"""
HOOKS = """
import schemathesis


@schemathesis.serializer("application/pdf", "image/jpeg", "image/png", "image/tiff")
def file(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()
"""
EXAMPLES = 8
"""Calls of each operation that are made up, beside those that the description lists and bounds."""
ALL = "examples,coverage,fuzzing,stateful"
# Each once; in a campaign all on both. PostgreSQL takes less than SQLite: there the bounds are tried.
PHASES = {"sqlite": "examples,fuzzing,stateful", "postgresql": "coverage"}


@pytest.fixture(params=KINDS)
def desked(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desked]:
    for room, name in (
        (guard, "USES"),
        (answers, "USES"),
        (guard, "FAILURES"),
        (files, "FILES"),
        (files, "LOOK_UPS"),
    ):
        monkeypatch.setattr(room, name, Rate("token", 10**6, 1.0))
    with opened(request.param, tmp_path, request) as desked:
        yield desked


@pytest.mark.slow
def test_nothing_that_is_sent_ends_in_an_error_of_ours(
    desked: Desked, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    office, kind = desked.sample.office, str(request.node.callspec.params["desked"])
    phases = ALL if times(2) > 2 else PHASES[kind]
    for variant in ("A1", "A3"):
        desked.sample.submit(variant)
    with office.store.write() as session:
        session.add(Grant(person_id=MANAGER, role="administrator", unit=None))
    token, _ = made_token(office, MANAGER)
    (tmp_path / "settings.toml").write_text(SETTINGS)
    (tmp_path / "office_hooks.py").write_text(HOOKS)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "settings.toml", "run"]
    command += [f"{desked.url}{BASE}/openapi.json", "--header", f"Authorization: Bearer {token}"]
    command += ["--phases", phases, "--max-examples", str(times(EXAMPLES))]
    command += ["--continue-on-failure", "--no-color", "--request-timeout", "30"]
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "office_hooks", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert re.search(r"Tested: (\d+)", done.stdout)
    assert all(f"✅ {phase.capitalize()}" in done.stdout for phase in phases.split(","))
    with office.store.read() as session:
        assert verify(session).ok
        assert session.scalar(select(func.count()).select_from(Event))


@pytest.mark.slow
@pytest.mark.parametrize("desked", KINDS[:1], indirect=True)
def test_a_description_that_is_not_true_is_found(desked: Desked, tmp_path: Path) -> None:
    """Or the test above could not fail."""
    token, _ = made_token(desked.sample.office, CLERK)
    (tmp_path / "settings.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "settings.toml", "run"]
    told = httpx.get(f"{desked.url}{BASE}/openapi.json", trust_env=False).text
    lie = told.replace('"required":["requests","next"]', '"required":["requests","next","total"]')
    assert lie != told
    (tmp_path / "openapi.json").write_text(lie)
    command += ["openapi.json", "--url", f"{desked.url}{BASE}", "--header", f"Authorization: Bearer {token}"]
    command += ["--include-operation-id", "list_requests", "--phases", "examples,fuzzing", "--no-color"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "total" in done.stdout
