"""PDFs from anywhere are read in a fenced child first: small ones can ask for any amount of memory and time.

What the child has read within its bounds, the caller may read after it.
"""

import json
import logging
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

from signing.admission import check_fit
from signing.errors import DocumentRefusedError, FieldError, SigningError
from signing.fence import bound_memory, bound_processor_time, fence_context, main_left_alone
from signing.opened import OpenedPdf
from signing.selfcheck import carried_data
from signing.verify.limits import DEFAULT_LIMITS, MIB, Limits

_REFUSALS: Final[dict[str, type[SigningError]]] = {
    each.code: each for each in (DocumentRefusedError, FieldError)
}
_HINT: Final = "Print it to a new PDF, then sign that."


def require_readable(pdf: bytes, *, limits: Limits = DEFAULT_LIMITS) -> None:
    """Have a PDF read and checked for signing in a child process with bounded memory and time.

    Raises DocumentRefusedError, FieldError: what the check says, or that the reading had to be stopped.
    """
    require_size(len(pdf), limits=limits)
    context = fence_context(__name__)
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, limits), daemon=True, name="paraaf-sign")
    with main_left_alone():
        process.start()
    theirs.close()
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            ours.send_bytes(pdf)
        answer = _answer(ours, limits)
    finally:
        ours.close()
        process.kill()
        process.join()
        process.close()
    if answer:
        raise _REFUSALS[answer["code"]](answer["message"], hint=answer["hint"])


def require_size(size_bytes: int, *, limits: Limits = DEFAULT_LIMITS) -> None:
    """Refuse a file that is too large to be read at all; raises DocumentRefusedError."""
    if size_bytes > limits.file_bytes:
        raise DocumentRefusedError(
            f"The file is larger than {limits.file_bytes // MIB} MiB.", hint="Sign a smaller one."
        )


def _answer(connection: Connection, limits: Limits) -> dict[str, str]:
    """What the child found: empty when nothing is wrong."""
    try:
        if not connection.poll(limits.wall_s):
            raise _stopped(f"it took longer than {limits.wall_s:g} s")
        answer: dict[str, str] = json.loads(connection.recv_bytes())
    except (EOFError, OSError) as error:
        raise _stopped("its process ended: memory or processor time ran out") from error
    return answer


def _stopped(why: str) -> DocumentRefusedError:
    return DocumentRefusedError(f"Reading the PDF had to be stopped: {why}.", hint=_HINT)


def _work(connection: Connection, limits: Limits) -> None:
    """The child's life: one file, one answer."""
    logging.disable(logging.CRITICAL)  # libraries narrate hostile files at length
    bound_memory(limits.address_space_bytes)
    bound_processor_time(limits.cpu_s)
    connection.send_bytes(json.dumps(_found(connection.recv_bytes())).encode())


def _found(pdf: bytes) -> dict[str, str]:
    """Read all that signing reads; what is wrong, in words, else nothing."""
    try:
        opened = OpenedPdf(pdf)
        check_fit(pdf, opened)
        list(opened.pages())
        carried_data(pdf)
    except (DocumentRefusedError, FieldError) as error:
        return {"code": error.code, "message": str(error), "hint": error.hint}
    except MemoryError:
        stopped = _stopped("memory ran out")
        return {"code": stopped.code, "message": str(stopped), "hint": stopped.hint}
    return {}
