"""Traces by OpenTelemetry, when they are asked for: a span for each command, job, step and timestamp.

The libraries are an extra of the package (`otel`), and are imported only when an endpoint is set. A span
carries the fields that a line of the log may carry, and of an error its code or class, never its text.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from problem import Problem
from watching.errors import TracesUnavailable, WatchingSetting
from watching.logs import FIELDS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

VARIABLE = "PARAAF_TRACES"
STANDARD_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

_tracers: list["Tracer"] = []


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """A span around the block; nothing at all when no traces are asked for."""
    if not _tracers:
        yield
        return
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415  only where it is installed

    allowed = {f"paraaf.{key}": value for key, value in attributes.items() if key in FIELDS}
    with _tracers[0].start_as_current_span(
        name, attributes=allowed, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except Exception as error:
            code = error.code if isinstance(error, Problem) else type(error).__name__
            current.set_attribute("paraaf.code", code)
            current.set_status(Status(StatusCode.ERROR))
            raise


def start(environ: Mapping[str, str] = os.environ) -> None:
    """Send traces where the environment says, by OTLP over HTTP; without an endpoint do nothing.

    PARAAF_TRACES is the full address, such as http://127.0.0.1:4318/v1/traces; OpenTelemetry's own variables
    do too. Raises WatchingSetting, TracesUnavailable.
    """
    ours = environ.get(VARIABLE, "")
    if not (ours or any(environ.get(name) for name in STANDARD_VARIABLES)):
        return
    if ours and not (urlsplit(ours).scheme in ("http", "https") and urlsplit(ours).netloc):
        raise WatchingSetting(
            f"{VARIABLE} is no address that traces can be sent to.",
            hint="Write it like http://127.0.0.1:4318/v1/traces.",
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise TracesUnavailable(
            "Traces are asked for, and OpenTelemetry is not installed.",
            hint=f"Install paraaf[otel], or take {VARIABLE} and OTEL_EXPORTER_OTLP_… out of the environment.",
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "paraaf"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=ours or None)))
    install(provider)


def install(provider: "TracerProvider | None") -> None:
    """Make spans with this provider from now on; with None no more."""
    _tracers[:] = [] if provider is None else [provider.get_tracer("paraaf")]
