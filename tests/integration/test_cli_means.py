"""`paraaf people remove-codes` and `remove-passkeys`: who has lost a device signs in again."""

from base64 import b32decode
from pathlib import Path

import pytest

from signing.secret import Secret
from tests.command_line import Terminal
from tests.desk_office import PASSWORD, with_password
from tests.steps_office import CLERK, MANAGER, Sample
from workflow.one_time_codes import _totp
from workflow.tables import Grant, PasskeyRow


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An office, in which a clerk has codes and a passkey, and a manager is an administrator."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    sample = Sample.open(folder, {})
    office, codes = sample.office, sample.office.one_time_codes
    with_password(office, CLERK)
    begun = codes.begin(CLERK, bound_to="session")
    with office.store.write() as session:
        now = office.moment(session)
        session.add(Grant(person_id=MANAGER, role="administrator", unit=None))
        session.add(
            PasskeyRow(
                credential_id="c",
                person_id=CLERK,
                handle="h",
                public_key=b"k",
                sign_count=0,
                name="a telephone",
                made_at=now,
            )
        )
    code = _totp(b32decode(begun.secret)).generate(int(now.timestamp())).decode()
    codes.confirm(CLERK, begun.token, code, Secret(PASSWORD), bound_to="session")
    office.close()
    return folder


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], data: Path) -> Terminal:
    return Terminal(data, capsys)


def test_an_administrator_removes_codes(terminal: Terminal) -> None:
    words = ("people", "remove-codes", CLERK, "--as", MANAGER)
    assert terminal.json(*words) == {"codes": "removed", "person": CLERK, "own": False}
    again = terminal.office(*words)
    assert (again.status, "is asked for no codes" in again.err) == (1, True)


def test_people_remove_their_own_by_their_password(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "password"
    words = ("people", "remove-codes", CLERK, "--as", CLERK, "--present-file", file)
    for password, status in (("not this one at all", 1), (PASSWORD, 0)):
        file.write_text(password + "\n")
        assert terminal.office(*words).status == status


@pytest.mark.parametrize("verb", ["remove-codes", "remove-passkeys"])
def test_others_remove_nothing(terminal: Terminal, verb: str) -> None:
    said = terminal.office("people", verb, CLERK, "--as", "P010")
    assert (said.status, "P010 removes no" in said.err) == (1, True)


def test_an_administrator_removes_passkeys(terminal: Terminal) -> None:
    words = ("people", "remove-passkeys", CLERK, "--as", MANAGER)
    assert "1 passkey of" in terminal.office(*words).out
    assert terminal.json(*words) == {"passkeys": 0, "person": CLERK, "own": False}
