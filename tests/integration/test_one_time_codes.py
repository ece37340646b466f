"""Codes after a password: what counts as one, how often, and how they are kept."""

from base64 import b32decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from signing.secret import Secret
from tests.databases import Database
from tests.integration.engine_office import Office
from tests.proving import PASSWORD
from workflow.ceremonies import FRESH, CeremonyOver
from workflow.entrance import CodeAsked, Entrance, Opened, Visit
from workflow.eventlog import Appender
from workflow.identity_events import CODES_REMOVED, CODES_SET_UP, RECOVERY_CODE_USED
from workflow.one_time_codes import RECOVERY_CODES, CodesRefused, CodeWrong, OneTimeCodes, _totp
from workflow.passwords import NotAuthenticated, PasswordRefused
from workflow.people import remove_unneeded
from workflow.sessions import Sessions
from workflow.tables import Attempts, Body, CodeSecret, Event, Grant, Person, RecoveryCode, Substitute
from workflow.throttle import FREE, Throttled

VISIT = Visit("a visit's cookie")
STEP = timedelta(seconds=30)


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    office.proving.passwords.set("signer", PASSWORD, by="signer")
    yield office
    office.store.close()


@pytest.fixture
def codes(office: Office) -> OneTimeCodes:
    return OneTimeCodes(office.store, office.proving.passwords, lambda _session: office.now, b"k" * 32)


@pytest.fixture
def entrance(office: Office, codes: OneTimeCodes) -> Entrance:
    return Entrance(office.store, codes.moment, codes.passwords, codes)


class Telephone:
    """An application on a telephone: it has the secret, and a clock."""

    def __init__(self, office: Office, secret: str) -> None:
        self._office = office
        self._secret = b32decode(secret)

    def code(self, late: timedelta = timedelta(0)) -> str:
        return _totp(self._secret).generate(int((self._office.now + late).timestamp())).decode()


def set_up(office: Office, codes: OneTimeCodes, person: str = "signer") -> tuple[Telephone, list[str]]:
    begun = codes.begin(person, bound_to="session")
    telephone = Telephone(office, begun.secret)
    recovery = codes.confirm(person, begun.token, telephone.code(), PASSWORD, bound_to="session")
    office.now += STEP
    return telephone, recovery


def half_in(entrance: Entrance, visit: Visit = VISIT) -> str:
    came = entrance.by_password("signer", PASSWORD, visit)
    assert isinstance(came, CodeAsked)
    return came.token


def tried(entrance: Entrance, token: str, code: str) -> type[Exception] | None:
    try:
        entrance.by_code(token, code, VISIT)
    except (CodeWrong, CeremonyOver, Throttled) as error:
        return type(error)
    return None


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, the rows of SHA-1, their last six digits."""
    for at, code in ((59, b"287082"), (1111111109, b"081804"), (20000000000, b"353130")):
        assert _totp(b"12345678901234567890").generate(at) == code


def test_a_password_alone_opens_nothing_once_codes_are_set_up(
    office: Office, codes: OneTimeCodes, entrance: Entrance
) -> None:
    assert isinstance(entrance.by_password("signer", PASSWORD, VISIT), Opened)
    telephone, _ = set_up(office, codes)
    token = half_in(entrance)
    sessions = Sessions(office.store, codes.moment, today=office.now.date)
    assert sessions.find(token) is None
    opened = entrance.by_code(token, telephone.code(), VISIT)
    member = sessions.find(opened.session)
    assert member is not None
    assert (member.id, member.method) == ("signer", "password+code")


def test_they_count_once_a_code_has_shown_that_the_telephone_has_them(
    office: Office, codes: OneTimeCodes, entrance: Entrance
) -> None:
    begun = codes.begin("signer", bound_to="session")
    telephone = Telephone(office, begun.secret)
    right = telephone.code()
    for code, password, expected in (
        ("000000" if right != "000000" else "000001", PASSWORD, CodeWrong),
        (right, Secret("not this one"), NotAuthenticated),
    ):
        with pytest.raises(expected):
            codes.confirm("signer", begun.token, code, password, bound_to="session")
    for held, person in (("another session", "signer"), ("", "signer")):
        with pytest.raises(CeremonyOver):
            codes.confirm(person, begun.token, right, PASSWORD, bound_to=held)
    assert codes.left("signer") is None
    assert isinstance(entrance.by_password("signer", PASSWORD, VISIT), Opened)
    codes.confirm("signer", begun.token, right, PASSWORD, bound_to="session")
    assert codes.left("signer") == RECOVERY_CODES
    with pytest.raises(CeremonyOver):
        codes.confirm("signer", begun.token, right, PASSWORD, bound_to="session")


def test_what_somebody_else_began_sets_up_nothing(office: Office, codes: OneTimeCodes) -> None:
    begun = codes.begin("signer", bound_to="session")
    office.proving.passwords.set("clerk", PASSWORD, by="clerk")
    with pytest.raises(CodesRefused):
        codes.confirm("clerk", begun.token, "000000", PASSWORD, bound_to="session")
    assert codes.left("clerk") is None


def test_a_code_counts_once(office: Office, codes: OneTimeCodes, entrance: Entrance) -> None:
    telephone, _ = set_up(office, codes)
    code = telephone.code()
    assert tried(entrance, half_in(entrance), code) is None
    assert tried(entrance, half_in(entrance), code) is CodeWrong, "it was overheard"
    assert tried(entrance, half_in(entrance), telephone.code(-STEP)) is CodeWrong, "one before it, too"
    office.now += STEP
    assert tried(entrance, half_in(entrance), telephone.code()) is None


def test_the_code_that_set_them_up_is_used(office: Office, codes: OneTimeCodes, entrance: Entrance) -> None:
    telephone, _ = set_up(office, codes)
    assert tried(entrance, half_in(entrance), telephone.code(-STEP)) is CodeWrong


def test_of_two_who_type_the_same_code_at_once_one_is_let_in(
    office: Office, codes: OneTimeCodes, entrance: Entrance
) -> None:
    telephone, _ = set_up(office, codes)
    tokens, code = [half_in(entrance) for _ in range(4)], telephone.code()
    with ThreadPoolExecutor(4) as pool:
        came = list(pool.map(lambda token: tried(entrance, token, code), tokens))
    assert came.count(None) == 1


@pytest.mark.parametrize(("late", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_half_a_minute(
    office: Office, codes: OneTimeCodes, entrance: Entrance, late: int, *, counts: bool
) -> None:
    telephone, _ = set_up(office, codes)
    office.now += 10 * STEP
    assert (tried(entrance, half_in(entrance), telephone.code(late * STEP)) is None) == counts


def test_guesses_at_the_code_wait_however_often_the_password_is_typed(
    office: Office, codes: OneTimeCodes, entrance: Entrance
) -> None:
    """Who knows the password starts anew with it as often as they like: not so with guesses at the code."""
    telephone, _ = set_up(office, codes)
    right = telephone.code()
    wrong = "000000" if right != "000000" else "000001"
    came = [tried(entrance, half_in(entrance), wrong) for _ in range(FREE + 3)]
    assert came == [CodeWrong] * (FREE + 1) + [Throttled] * 2
    assert tried(entrance, half_in(entrance), right) is Throttled


def test_half_a_sign_in_is_of_its_browser_and_for_minutes_and_once(
    office: Office, codes: OneTimeCodes, entrance: Entrance
) -> None:
    telephone, _ = set_up(office, codes)
    token = half_in(entrance)
    for visit in (Visit("another's cookie"), Visit("")):
        with pytest.raises(CeremonyOver):
            entrance.by_code(token, telephone.code(), visit)
    assert tried(entrance, token, telephone.code()) is None
    office.now += STEP
    assert tried(entrance, token, telephone.code()) is CeremonyOver
    late = half_in(entrance)
    office.now += FRESH + STEP
    assert tried(entrance, late, telephone.code()) is CeremonyOver


def test_a_recovery_code_is_good_once(office: Office, codes: OneTimeCodes, entrance: Entrance) -> None:
    _, recovery = set_up(office, codes)
    assert len(set(recovery)) == RECOVERY_CODES
    assert tried(entrance, half_in(entrance), recovery[3].lower().replace("-", " ")) is None
    assert tried(entrance, half_in(entrance), recovery[3]) is CodeWrong
    assert codes.left("signer") == RECOVERY_CODES - 1
    for odd in ("", "²23456789ABC", "123456", "\ud800" * 6, "9" * 12):
        with office.store.write() as session:
            session.execute(delete(Attempts))
        assert tried(entrance, half_in(entrance), odd) is CodeWrong
    with office.store.read() as session:
        told = session.scalars(select(Event.type).order_by(Event.seq.desc()).limit(1)).one()
    assert told == RECOVERY_CODE_USED


def test_another_set_makes_the_first_worthless(
    office: Office, codes: OneTimeCodes, entrance: Entrance
) -> None:
    telephone, recovery = set_up(office, codes)
    other, _ = set_up(office, codes)
    assert tried(entrance, half_in(entrance), telephone.code()) is CodeWrong
    assert tried(entrance, half_in(entrance), recovery[0]) is CodeWrong
    assert tried(entrance, half_in(entrance), other.code()) is None


def test_nothing_in_the_database_makes_a_code(office: Office, codes: OneTimeCodes) -> None:
    begun = codes.begin("signer", bound_to="session")
    secret = b32decode(begun.secret)
    codes.confirm("signer", begun.token, Telephone(office, begun.secret).code(), PASSWORD, bound_to="session")
    with office.store.read() as session:
        row = session.get_one(CodeSecret, "signer")
        hashed = session.scalars(select(RecoveryCode.phc)).all()
    assert secret not in row.secret
    assert all(one.startswith("$argon2id$") for one in hashed)


@pytest.mark.parametrize("how", ["another key", "another person's"])
def test_a_secret_of_another_office_or_person_makes_no_code(
    office: Office, codes: OneTimeCodes, entrance: Entrance, how: str
) -> None:
    telephone, _ = set_up(office, codes)
    if how == "another key":
        entrance = replace(entrance, codes=replace(codes, key=b"x" * 32))
    else:
        with office.store.write() as session:
            session.execute(delete(CodeSecret))
            theirs = codes._encipher("clerk", b"1" * 20)
            session.add(CodeSecret(person_id="signer", secret=theirs, last_step=0, set_at=office.now))
    with pytest.raises(CodesRefused, match="not enciphered by this office"):
        entrance.by_code(half_in(entrance), telephone.code(), VISIT)


def test_who_removes_them(office: Office, codes: OneTimeCodes, entrance: Entrance) -> None:
    set_up(office, codes)
    opened = entrance.again("signer", "password", VISIT)
    with pytest.raises(CodesRefused):
        codes.remove("signer", by="signer")
    with pytest.raises(NotAuthenticated):
        codes.remove("signer", by="signer", present=Secret("not this one"))
    with pytest.raises(PasswordRefused, match="clerk removes no codes of signer"):
        codes.remove("signer", by="clerk")
    codes.remove("signer", by="administrator")
    assert Sessions(office.store, codes.moment, today=office.now.date).find(opened.session) is None
    assert isinstance(entrance.by_password("signer", PASSWORD, VISIT), Opened)
    with pytest.raises(CodesRefused, match="is asked for no codes"):
        codes.remove("signer", by="administrator")
    set_up(office, codes)
    codes.remove("signer", by="signer", present=PASSWORD)
    assert codes.left("signer") is None
    told = (CODES_SET_UP, CODES_REMOVED)
    with office.store.read() as session:
        types = session.scalars(select(Event.type).where(Event.type.in_(told)).order_by(Event.seq)).all()
    assert types == [*told, *told]
    assert office.report().ok


def test_who_has_left_is_let_in_by_no_code(office: Office, codes: OneTimeCodes, entrance: Entrance) -> None:
    telephone, _ = set_up(office, codes)
    token = half_in(entrance)
    with office.store.write() as session:
        session.execute(update(Person).where(Person.id == "signer").values(active=False))
    assert tried(entrance, token, telephone.code()) is CodeWrong


def test_what_was_set_up_goes_with_its_person(office: Office, codes: OneTimeCodes) -> None:
    set_up(office, codes)
    with office.store.write() as session:
        session.execute(update(Person).where(Person.id == "signer").values(active=False))
        session.execute(delete(Grant).where(Grant.person_id == "signer"))
        session.execute(delete(Substitute))
        log = Appender.lock(session, bytes)
        assert remove_unneeded(session, log, office.now, ["signer"], at=office.now) == 1
        log.write()
        assert not session.scalars(select(CodeSecret)).all()
        assert not session.scalars(select(RecoveryCode)).all()
        assert not [one for one in session.scalars(select(Body.body)) if one and "signer" in one]
