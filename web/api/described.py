"""How the API describes itself: OpenAPI 3.1, with every answer that an operation may give."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from web.api.guard import SCHEME
from web.api.models import ProblemTold, ReasonTold
from web.api.problems import MEDIA_TYPE, PLACE, kinds, title_of
from workflow.tokens import SCOPES

BASE: Final = "/api/v1"
SCHEMAS: Final = "#/components/schemas/"
ABOUT: Final = """Everything that people do on pages, for programs that do it in their names: with what the
person may do at that moment, and no more than their token's scopes. What is not there and what may not be
seen is told alike. docs/api.md walks through it by curl."""

STATUSES: Mapping[int, str] = {
    400: "It can't be read, or lacks an idempotency key.",
    401: "There is no token, or it can't be used.",
    403: "The token's scopes, or what one showed of oneself, do not do for this.",
    404: "There is no such thing, or not for this person.",
    409: "It is not in a state for this, or somebody else holds the task.",
    412: "The request has changed since the version that was seen.",
    413: "It is too much.",
    415: "It is of another media type.",
    422: "It can't be done like this; its reasons say why not, with the fields.",
    428: "The version that was seen is missing.",
    429: "It is asked too often.",
    500: "It is the office's own matter.",
    503: "It can't be done at this moment.",
}
_EXAMPLES: Mapping[int, str] = {
    400: "web-key-missing",
    401: "web-token-missing",
    403: "web-scope-missing",
    404: "web-nothing-here",
    409: "workflow-claimed",
    412: "workflow-stale",
    413: "web-too-large",
    415: "web-media-type",
    422: "workflow-refused",
    428: "web-version-missing",
    429: "web-too-often",
    500: "web-failed",
    503: "web-busy",
}
_EVERY: Final = (422, 500, 503)
_WITH_TOKEN: Final = (401, 403, 429)
OBJECT: Final = (404,)
BODY: Final = (400, 413, 415)
COMMAND: Final = (*BODY, 404, 409, 412, 428)
_WAITING: Final = frozenset({429, 503})
_OF_A_REQUEST: Final = (
    *("show_request", "list_events", "show_timing", "list_documents", "get_evidence"),
    *("send_command", "give_out", "place_hold"),
)
_RATES: Mapping[str, Any] = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "How often a token may ask."},
    "RateLimit": {"schema": {"type": "string"}, "description": "How often this one may still."},
}


def errors(*statuses: int, anybody: bool = False) -> dict[int | str, dict[str, Any]]:
    """The answers of an operation that tell of a problem: those of every one, and these."""
    told = {*_EVERY, *statuses, *(() if anybody else _WITH_TOKEN)}
    return {status: _error(status) for status in sorted(told)}


def header(meaning: str) -> dict[str, Any]:
    """A header of an answer."""
    return {"schema": {"type": "string"}, "description": meaning}


def links(number: str) -> dict[str, Any]:
    """Where a request's number, in an answer, leads."""
    return {name: {"operationId": name, "parameters": {"number": number}} for name in _OF_A_REQUEST}


def openapi(app: FastAPI) -> dict[str, Any]:
    """The whole description."""
    told = get_openapi(
        title="Paraaf",
        version=version("paraaf"),
        openapi_version="3.1.0",
        description=ABOUT,
        routes=app.routes,
        servers=[{"url": BASE}],
    )
    for one in (one for methods in told["paths"].values() for one in methods.values()):
        _complete(one)
    parts = told.setdefault("components", {})
    for model in (ProblemTold, ReasonTold):
        schema = model.model_json_schema(ref_template=SCHEMAS + "{model}", mode="serialization")
        schema.pop("$defs", None)
        parts.setdefault("schemas", {}).setdefault(model.__name__, schema)
    parts["securitySchemes"] = {
        SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "paraaf_…",
            "description": "Made by `paraaf tokens make`. Scopes: "
            + "; ".join(f"`{name}`: {meaning}" for name, meaning in SCOPES.items()),
        }
    }
    return told


def name_of(route: APIRoute) -> str:
    """An operation's id: its function's name, which stays."""
    return route.name


def _complete(operation: dict[str, Any]) -> None:
    """What all operations share: words for what is done, and what is told of the token's rate."""
    operation["summary"] = operation["description"].partition("\n\n")[0].rstrip(".")
    for status, answer in operation["responses"].items():
        if status.startswith("2") and "Successful" in answer["description"]:
            answer["description"] = answer["description"].replace("Successful Response", "It is done.")
        if operation["security"] and status != "401":
            answer["headers"] = {**answer.get("headers", {}), **_RATES}


def _example(status: int) -> dict[str, Any]:
    """A problem that is answered with this status."""
    code = _EXAMPLES[status]
    title = title_of(kinds()[code])
    told = {"type": f"{PLACE}/{code}", "title": title, "status": status, "detail": title, "code": code}
    reasons = [{"code": "remark", "message": "Say why.", "field": "remark"}] if status == 422 else []
    return {**told, "hint": "", "reasons": reasons}


def _error(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": STATUSES[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}ProblemTold"}, "example": _example(status)}},
    }
    headers = {"Retry-After": header("In how many seconds.")} if status in _WAITING else {}
    return {**told, "headers": headers} if headers else told
