"""The application of the API, to be mounted under /api/v1."""

from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from problem import Problem
from web.api import about, commands, exchange, files, keeping, office, people, queue, requests
from web.api.answers import Answers
from web.api.described import BASE, name_of
from web.api.files import Places
from web.api.guard import Guard
from web.api.problems import told
from web.asked import Door
from web.bodies import MIB
from web.recipient import FILE_MOST

COMMAND_MOST: Final = 4 * MIB
"""Bytes: a command has a million characters at most, each of up to four."""
BODIES: Final = {
    "/requests": COMMAND_MOST,
    "/requests/{number}/commands": COMMAND_MOST,
    "/requests/{number}/signed": FILE_MOST,
    "/commands": 4 * COMMAND_MOST,
    "/scans": FILE_MOST,
    "/verify": FILE_MOST,
}
"""What the addresses take that take more than a form."""


def api(door: Door) -> FastAPI:
    """The application, for the office behind a door."""
    app = FastAPI(
        title="Paraaf",
        openapi_url=None,  # ours is told by `about`, with the answers that all operations share
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=name_of,
        middleware=[Middleware(Answers)],
        exception_handlers={Problem: told, RequestValidationError: told, HTTPException: told},
    )
    app.state.guard = Guard(door.office, door.rates)
    app.state.pages = door.pages
    app.state.places = Places()
    app.state.described = None
    for path, most in BODIES.items():
        door.bodies.allow(f"{BASE}{path}", most)
    rooms = (requests, queue, commands, exchange, files, people, office, keeping, about)
    app.state.operations = [one for room in rooms for one in room.router.routes]
    for room in rooms:
        app.include_router(room.router)
    return app
