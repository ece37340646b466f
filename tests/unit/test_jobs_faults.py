"""Kill points: nothing without the variable, the end of the process with it, and never a misspelt name."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workflow import faults

ROOT = Path(__file__).resolve().parents[2]
PASSES = "from workflow.faults import point\nfor n in range(3): point('sign.prepared'); print(n, flush=True)"


def passing(setting: str | None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop(faults.VARIABLE, None)
    if setting is not None:
        environment[faults.VARIABLE] = setting
    command = [sys.executable, "-c", PASSES]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("setting", "status", "said"),
    [
        (None, 0, ["0", "1", "2"]),
        ("", 0, ["0", "1", "2"]),
        ("sign.prepared", -signal.SIGKILL, []),
        ("sign.prepared:1", -signal.SIGKILL, []),
        ("sign.prepared:3", -signal.SIGKILL, ["0", "1"]),
        ("sign.prepared:4", 0, ["0", "1", "2"]),
        ("sign.stored", 0, ["0", "1", "2"]),
    ],
)
def test_the_process_ends_at_the_named_pass(setting: str | None, status: int, said: list[str]) -> None:
    ended = passing(setting)
    assert (ended.returncode, ended.stdout.split()) == (status, said)


@pytest.mark.parametrize(
    "setting", ["sign.prepard", "sign.prepared:0", "sign.prepared:x", "sign.prepared:-1"]
)
def test_a_setting_that_would_never_kill_is_refused(setting: str) -> None:
    ended = passing(setting)
    assert ended.returncode == 1
    assert "UnknownKillPoint" in ended.stderr


def test_an_unknown_point_is_refused_even_when_nothing_is_armed() -> None:
    with pytest.raises(faults.UnknownKillPoint) as caught:
        faults.point("sign.prepard")
    assert "sign.prepared" in caught.value.hint
