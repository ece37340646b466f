"""What mail says: few words, a link, and nothing of what a request holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import urlencode

from languages import WRITING
from wording import mark
from workflow.words import process_words


@dataclass(frozen=True)
class Line:
    """A request in a list: its number, what it is, and whether it is past its time."""

    number: int
    title: str
    late: bool = False


SUBJECTS = {
    "returned": mark("Request {number} came back to you"),
    "done": mark("Request {number} is done"),
    "refused": mark("Request {number} was refused"),
    "withdrawn": mark("Request {number} was withdrawn"),
    "waiting": mark("Request {number} waits for you"),
    "due": mark("Request {number} has waited for a long time"),
}
_SENTENCES = {
    "returned": mark("It was returned to you with a remark, and goes on when you have answered."),
    "done": mark("It has come to its end. What was made for you can be saved from its page."),
    "refused": mark("It has come to its end. Its page says why."),
    "withdrawn": mark("It was withdrawn. Its page says by whom."),
    "waiting": mark("It is your turn, or that of one of those who can do it with you."),
    "due": mark("It should have gone on by now, or soon."),
}
SIGN_IN = {
    "password_set": mark("Your password has been changed"),
    "password_given": mark("An administrator has given you a password"),
    "password_removed": mark("Your password has been taken away"),
    "codes_set_up": mark("You are asked for codes when you sign in"),
    "codes_removed": mark("You are asked for no codes any more when you sign in"),
    "recovery_code_used": mark("A recovery code has signed you in"),
    "passkey_added": mark("A passkey has been set up for you"),
    "passkey_removed": mark("Passkeys of yours have been taken away"),
}
"""Of how they sign in, whatever they want to hear: who did not do it has to know."""
_PASSWORDS = frozenset({"password_set", "password_given", "password_removed"})
_STAYS = mark(
    "Whoever was signed in with your number is not any more. Passkeys, codes and the tokens of programs"
    " stay as they were."
)
_NOT_YOU = mark(
    "If you know nothing of it, tell an administrator of your office at once: somebody else may have got in."
)
_MEANS = mark("With what you sign in, and where you are signed in: {url}")
_REPORT_SUBJECT = mark("The monthly report of {month} is there")
_REPORT = mark("The monthly report of {month} was sealed, and can be saved from its page.")
_UNIT = mark("Unit: {unit}")
_ALL_UNITS = mark("It is of all units together; those of each unit are there, too, or soon will be.")
_TEST_SUBJECT = mark("A test: mail from this office arrives")
_TEST = mark("Somebody who runs the office had this sent, to see that mail arrives.")
_DAILY_SUBJECT = mark("{count} requests wait for you")
_ONE_SUBJECT = mark("1 request waits for you")
_DAILY = mark("These wait for you, or for you and others; the oldest first:")
_LATE = mark("past its time")
_MORE = mark("and {count} more")
_ALL = mark("All of them: {url}")
_FOOT = mark("How often you get such mail you choose here: {url}")
_ALWAYS = mark("You get such mail whatever you have chosen.")


@dataclass(frozen=True)
class Envelope:
    """To whom it goes and from whom, where its links lead, and in which language it is."""

    to: Address
    sender: str
    base: str
    language: str


def about_one(kind: str, line: Line, envelope: Envelope) -> EmailMessage:
    """Mail about one request."""
    say = process_words(envelope.language).text
    text = [
        f"{line.number}: {line.title}",
        "",
        say(_SENTENCES[kind]),
        "",
        f"{envelope.base}/requests/{line.number}",
    ]
    return _message(say(SUBJECTS[kind]).format(number=line.number), text, envelope)


def about_sign_in(kind: str, envelope: Envelope) -> EmailMessage:
    """Mail about how somebody signs in: what has changed, and what to do if they know nothing of it."""
    say = process_words(envelope.language).text
    stays = [say(_STAYS), ""] if kind in _PASSWORDS else []
    text = [*stays, say(_NOT_YOU), "", say(_MEANS).format(url=f"{envelope.base}/account")]
    return _message(say(SIGN_IN[kind]), text, envelope, foot=_ALWAYS)


def about_many(lines: Sequence[Line], count: int, envelope: Envelope) -> EmailMessage:
    """Mail once a day: the first of what waits, of `count` in all."""
    say, base = process_words(envelope.language).text, envelope.base
    subject = say(_ONE_SUBJECT) if count == 1 else say(_DAILY_SUBJECT).format(count=count)
    text = [say(_DAILY), ""]
    for line in lines:
        late = f" ({say(_LATE)})" if line.late else ""
        text.append(f"- {line.number}: {line.title}{late}\n  {base}/requests/{line.number}")
    if count > len(lines):
        text.append(f"- {say(_MORE).format(count=count - len(lines))}")
    text += ["", say(_ALL).format(url=f"{base}/queue")]
    return _message(subject, text, envelope)


def about_report(month: str, unit: str | None, envelope: Envelope) -> EmailMessage:
    """Mail that says that the report of a month, such as 2026-05, was sealed; `unit` None: of all units."""
    say, (year, number) = process_words(envelope.language).text, month.split("-")
    name = f"{WRITING[envelope.language].months[int(number) - 1]} {year}"
    query = "" if unit is None else f"?{urlencode({'unit': unit})}"
    text = [
        say(_REPORT).format(month=name),
        say(_ALL_UNITS) if unit is None else say(_UNIT).format(unit=unit),
        "",
        f"{envelope.base}/figures/monitoring{query}#sealed",
    ]
    return _message(say(_REPORT_SUBJECT).format(month=name), text, envelope)


def a_test(envelope: Envelope) -> EmailMessage:
    """Mail to see that mail arrives."""
    say = process_words(envelope.language).text
    return _message(say(_TEST_SUBJECT), [say(_TEST)], envelope)


def _message(subject: str, text: Sequence[str], envelope: Envelope, *, foot: str = _FOOT) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = Address("Paraaf", addr_spec=envelope.sender)
    message["To"] = envelope.to
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is told to us
    said = process_words(envelope.language).text(foot).format(url=f"{envelope.base}/mail")
    message.set_content("\n".join([*text, "", "-- ", said, ""]), charset="utf-8")
    message["Content-Language"] = envelope.language  # after it: what is set replaces such heads
    return message
