"""What leaves the office: webhooks and what became of their messages, and mail."""

import asyncio
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Final

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked
from web.overseeing import Overseeing
from web.rates import Rate
from web.step_up import surely
from workflow.command_form import REQUEST_ID_MAX
from workflow.digits import whole
from workflow.mail import OUTBOX, handed_over_now
from workflow.mail_text import Envelope, a_test
from workflow.tables import MailRow, Person
from workflow.webhooks import WebhookRefused

TESTS: Final = Rate("mail-tests", 3, 600.0)
_HERE: Final = "/office/outgoing"


@dataclass(frozen=True)
class OutgoingPages(Overseeing):
    """The pages under /office/outgoing: of all units."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get(_HERE, self._shown),
            self.door.post(f"{_HERE}/add", self._add),
            self.door.post(f"{_HERE}/remove", self._remove),
            self.door.post(f"{_HERE}/retry", self._retry),
            self.door.post(f"{_HERE}/mail", self._mail),
        ]

    def _shown(self, asked: Asked) -> Response:
        return self._page(asked)

    def _page(
        self,
        asked: Asked,
        *,
        problem: WebhookRefused | None = None,
        secret: str = "",
        tested: tuple[str, str, str] | None = None,
    ) -> Response:
        self.reach(asked, whole=True)
        office = self.door.office
        hooks, number = office.webhooks.listed(), _number(asked.text("hook"))
        chosen = next((one for one in hooks if one.id == number), None)
        return self.answer(
            asked,
            "outgoing.html",
            status=422 if problem else 200,
            hooks=hooks,
            hosts=sorted(f"{host}:{port}" for host, port in office.webhooks.hosts.places),
            chosen=chosen,
            messages=[] if chosen is None else office.webhooks.messages(chosen.id),
            mail=office.mail,
            mails=self._mails(),
            administers=self.administers(asked).everywhere,
            problem=problem,
            secret=secret,
            tested=tested,
            typed={name: asked.typed(name) for name in ("url", "types")},
            done=asked.text("done") if asked.request.method == "GET" else "",
        )

    def _mails(self) -> dict[str, int]:
        """How many mails were sent, wait, or were given up."""
        sent, waits = MailRow.sent_at.is_not(None), MailRow.next_at.is_not(None)
        count = select(func.count()).select_from(MailRow)
        with self.door.office.store.read() as session:
            return {
                "sent": session.scalar(count.where(sent)) or 0,
                "waiting": session.scalar(count.where(waits)) or 0,
                "given_up": session.scalar(count.where(OUTBOX.given_up())) or 0,
            }

    def _administrator(self, asked: Asked) -> None:
        if not self.reach(asked, administrator=True).everywhere:
            raise HTTPException(404)

    def _add(self, asked: Asked) -> Response:
        """Tell another address from now on; its secret is shown once, here."""
        self._administrator(asked)
        return surely(self.door, asked, lambda: self._added(asked))

    def _added(self, asked: Asked) -> Response:
        office, types = self.door.office, asked.typed("types").replace(",", " ").split()
        try:
            _, secret = office.webhooks.add(
                asked.typed("url").strip(), types, by=asked.me.id, at=office.clock()
            )
        except WebhookRefused as problem:
            return self._page(asked, problem=problem)
        return self._page(asked, secret=secret.reveal())

    def _remove(self, asked: Asked) -> Response:
        self._administrator(asked)
        return surely(self.door, asked, lambda: self._removed(asked))

    def _removed(self, asked: Asked) -> Response:
        office = self.door.office
        try:
            office.webhooks.remove(_number(asked.typed("hook")) or 0, by=asked.me.id, at=office.clock())
        except WebhookRefused as problem:
            return self._page(asked, problem=problem)
        return self.door.see(_HERE, done="removed")

    def _retry(self, asked: Asked) -> Response:
        """Have messages sent again that were not taken, to an address that may have been left alone since."""
        self._administrator(asked)
        return surely(self.door, asked, lambda: self._retried(asked))

    def _retried(self, asked: Asked) -> Response:
        office, hook = self.door.office, _number(asked.typed("hook")) or 0
        try:
            office.webhooks.retry(hook, by=asked.me.id, at=office.clock())
        except WebhookRefused as problem:
            return self._page(asked, problem=problem)
        return self.door.see(_HERE, done="retried", hook=str(hook))

    def _mail(self, asked: Asked) -> Response:
        """Hand a mail to oneself over to the server now, and say what it said."""
        self._administrator(asked)
        office = self.door.office
        with office.store.read() as session:
            person = session.get_one(Person, asked.me.id)
            name, email = person.name, person.email
        if office.mail is None or email is None:
            return self.door.see(_HERE, done="no-address")
        self.door.rates.require(asked.request, TESTS)
        settings = office.mail
        to = Address(name, addr_spec=email)
        envelope = Envelope(to, settings.sender, settings.base, settings.language)
        code, said = asyncio.run(handed_over_now(settings, a_test(envelope)))
        return self._page(asked, tested=(email, code, said))


def _number(text: str) -> int | None:
    return whole(text, REQUEST_ID_MAX)
