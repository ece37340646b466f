"""What the API itself refuses, before the office is asked."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from problem import Problem
from wording import Sentence
from workflow.errors import Reason, Refused

_MEND = "Mend what is named; /api/v1/openapi.json says what goes where."


def wrong(message: str, field: str) -> Reason:
    """A reason of the API's own: in English alone, as it is told to programs."""
    return Reason("form", Sentence(message), field)


class ApiProblem(Problem):
    """Base of what the API itself refuses."""

    code: ClassVar[str] = "web"
    status: ClassVar[int] = 400

    @property
    def headers(self) -> Mapping[str, str]:
        """What the answer says in its headers."""
        return {}


class TokenMissing(ApiProblem):
    """The request carries no token."""

    code = "web-token-missing"
    status = 401

    def __init__(self) -> None:
        super().__init__(
            "This needs a token.",
            hint="Send `Authorization: Bearer paraaf_…`; `paraaf tokens make` makes one. Cookies count for"
            " nothing here.",
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """How one shows who one is (RFC 6750, 3)."""
        return {"WWW-Authenticate": 'Bearer realm="paraaf"'}


class TokenUnfit(ApiProblem):
    """The token is none, has ended, was revoked, or its person has left."""

    code = "web-token-unfit"
    status = 401

    def __init__(self) -> None:
        super().__init__(
            "This token can't be used, or not any more.",
            hint="`paraaf tokens list` tells when it ends; make another one.",
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """That it is the token's fault (RFC 6750, 3.1)."""
        return {"WWW-Authenticate": 'Bearer realm="paraaf", error="invalid_token"'}


class ScopeMissing(ApiProblem):
    """The token is not for this."""

    code = "web-scope-missing"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This needs a token with the scope {scope}.",
            hint="Make another token, with every scope that its program needs and no other.",
        )
        self.scope = scope

    @property
    def headers(self) -> Mapping[str, str]:
        """Which scope is missing (RFC 6750, 3.1)."""
        challenge = f'Bearer realm="paraaf", error="insufficient_scope", scope="{self.scope}"'
        return {"WWW-Authenticate": challenge}


class DutyMissing(ApiProblem):
    """The token's person has not the duty that this is for."""

    code = "web-duty-missing"
    status = 403


class NothingHere(ApiProblem):
    """There is nothing at this address, or nothing that this person may see."""

    code = "web-nothing-here"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is nothing at this address that this person may see.",
            hint="/api/v1/openapi.json lists the addresses that there are.",
        )


class MethodUnknown(ApiProblem):
    """This address does not take this method."""

    code = "web-method"
    status = 405

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = ", ".join(allowed)
        super().__init__("This address does not take this method.", hint=f"It takes: {self.allowed}.")

    @property
    def headers(self) -> Mapping[str, str]:
        """What it takes."""
        return {"Allow": self.allowed}


class BodyTooLarge(ApiProblem):
    """More was sent than this address takes."""

    code = "web-too-large"
    status = 413

    def __init__(self) -> None:
        super().__init__("This is more than this address takes.", hint="Send it in parts, or send less.")


class MediaTypeUnknown(ApiProblem):
    """What was sent is of a media type that this address does not take."""

    code = "web-media-type"
    status = 415

    def __init__(self, wanted: str) -> None:
        super().__init__(f"Send this as {wanted}.", hint=f"Say `Content-Type: {wanted}`.")


class Misshapen(Refused):
    """What was sent is not what this address takes: `reasons` name every field that is wrong."""

    code = "web-misshapen"
    advice = Sentence(_MEND)


class Unreadable(ApiProblem):
    """What was sent can't be read as JSON."""

    code = "web-unreadable"
    status = 400

    def __init__(self) -> None:
        super().__init__("This is not JSON that can be read.", hint="Send one JSON object, in UTF-8.")


class KeyMissing(ApiProblem):
    """A command came without an idempotency key, or with one that is none."""

    code = "web-key-missing"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "A command needs an idempotency key.",
            hint='Send `Idempotency-Key: "…"` with 1 to 128 characters of your own making, a new one for'
            " every new command; with the same one it is done once.",
        )


class VersionMissing(ApiProblem):
    """A command came without the version of the request that was seen."""

    code = "web-version-missing"
    status = 428

    def __init__(self) -> None:
        super().__init__(
            "A command says which version of the request was seen.",
            hint="Send `If-Match` with the ETag that the request was told with.",
        )


class TooOften(ApiProblem):
    """This token, or this address, asks too often."""

    code = "web-too-often"
    status = 429

    def __init__(self, after_s: int) -> None:
        super().__init__(f"This is asked too often: wait {after_s} s.", hint="Wait, then ask again.")
        self.after_s = after_s

    @property
    def headers(self) -> Mapping[str, str]:
        """How long to wait."""
        return {"Retry-After": str(self.after_s)}


class Busy(ApiProblem):
    """Others use what this needs."""

    code = "web-busy"
    status = 503

    def __init__(self) -> None:
        super().__init__("Too many ask for this at once.", hint="Ask again in a minute.")

    @property
    def headers(self) -> Mapping[str, str]:
        """How long to wait."""
        return {"Retry-After": "60"}


class Failed(ApiProblem):
    """Something went wrong here that nobody foresaw."""

    code = "web-failed"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "Something went wrong here.",
            hint="Ask whoever runs the office: the log tells what it was. A command can be sent again under"
            " its key.",
        )
