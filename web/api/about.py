"""What the API tells of itself: its OpenAPI description, the same to be read by people, and its problems."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from web.api.described import OBJECT, STATUSES, errors, openapi
from web.api.errors import NothingHere
from web.api.guard import SCHEME, Operation, for_anybody
from web.api.models import ProblemKind, ProblemKinds
from web.api.problems import PLACE, kinds, title_of
from web.pages import Pages
from workflow.tokens import SCOPES

router = APIRouter(route_class=Operation)


@dataclass(frozen=True)
class Listed:
    """An operation, as the page tells of it."""

    id: str
    method: str
    path: str
    summary: str
    scope: str
    parameters: tuple[tuple[str, str, bool, str], ...]
    sends: str
    answers: tuple[tuple[str, str, str], ...]
    problems: tuple[str, ...]


@router.get("/openapi.json", openapi_extra=for_anybody(), responses=errors(anybody=True))
def get_openapi(request: Request) -> dict[str, Any]:
    """Describe the API, in OpenAPI 3.1."""
    return _described(request)


@router.get("/docs", include_in_schema=False, openapi_extra=for_anybody())
def read_docs(request: Request) -> Response:
    """The same as a page."""
    pages: Pages = request.app.state.pages
    told = _described(request)
    answer = pages.answer(
        request,
        "api.html",
        operations=list(_operations(told)),
        schemas=list(_schemas(told)),
        scopes=SCOPES,
        statuses=STATUSES,
        problems=[(code, title_of(kind)) for code, kind in kinds().items()],
        version=told["info"]["version"],
    )
    answer.headers["Content-Language"] = "en"  # as the description itself
    return answer


@router.get("/problems", openapi_extra=for_anybody(), responses=errors(anybody=True))
def list_problems() -> ProblemKinds:
    """List what an answer may say that can't be done."""
    return ProblemKinds(problems=[_kind(code) for code in kinds()])


@router.get("/problems/{code}", openapi_extra=for_anybody(), responses=errors(*OBJECT, anybody=True))
def show_problem(code: Annotated[str, Path(max_length=100, examples=["workflow-refused"])]) -> ProblemKind:
    """Tell of one of them: the address that `type` names."""
    return _kind(code)


def _kind(code: str) -> ProblemKind:
    kind = kinds().get(code)
    if kind is None:
        raise NothingHere
    return ProblemKind(type=f"{PLACE}/{code}", code=code, title=title_of(kind))


def _described(request: Request) -> dict[str, Any]:
    """The description, made once."""
    state = request.app.state
    if state.described is None:
        state.described = openapi(request.app)
    told: dict[str, Any] = state.described
    return told


def _operations(told: Mapping[str, Any]) -> Iterator[Listed]:
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            security = one.get("security") or [{SCHEME: [""]}]
            yield Listed(
                id=one["operationId"],
                method=method.upper(),
                path=path,
                summary=one.get("description", one["summary"]),
                scope=security[0][SCHEME][0],
                parameters=tuple(
                    (each["name"], each["in"], each.get("required", False), each.get("description", ""))
                    for each in one.get("parameters", ())
                ),
                sends=_body(one.get("requestBody")),
                answers=tuple(
                    (status, answer["description"], _body(answer))
                    for status, answer in sorted(one["responses"].items())
                    if status < "400"
                ),
                problems=tuple(status for status in sorted(one["responses"]) if status >= "400"),
            )


def _body(told: Mapping[str, Any] | None) -> str:
    """What is sent: the name of a schema, or media types."""
    content: Mapping[str, Any] = (told or {}).get("content", {})
    named = [str(one["schema"].get("$ref", "")).rpartition("/")[2] for one in content.values()]
    return next(filter(None, named), ", ".join(content))


def _schemas(told: Mapping[str, Any]) -> Iterator[tuple[str, str, list[tuple[str, str, bool, str]]]]:
    for name, schema in sorted(told["components"]["schemas"].items()):
        wanted = schema.get("required", ())
        fields = [
            (field, _type(one), field in wanted, one.get("description", ""))
            for field, one in schema.get("properties", {}).items()
        ]
        yield name, schema.get("description", ""), fields


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "enum" in schema:
        return " or ".join(f"“{one}”" for one in schema["enum"])
    return str(schema.get("format") or schema.get("type", "anything"))
