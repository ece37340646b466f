"""Files of a request that go out to be signed elsewhere or on paper, and come back, by its page.

What comes is judged, or read, in fenced processes before anything is stored.
"""

from typing import Final

from starlette.datastructures import UploadFile

from problem import Problem
from signing.scans import matched, read_scan
from web.asked import Asked
from web.bodies import MIB, SMALL
from web.problems import status_of
from web.request_acts import Wrong
from workflow import outside_given, outside_scans, outside_signed
from workflow.brought import WANTED
from workflow.definition_model import Trigger
from workflow.errors import KeyReused, NotFound, Reason, Refused, StoreUnavailable
from workflow.office import Office
from workflow.outside import By, NothingOutside
from workflow.reading import RequestView

FILE_MOST: Final = 32 * MIB + SMALL
_ASKS: Final = "file"


def bring(office: Office, asked: Asked, view: RequestView, trigger: Trigger) -> Wrong | None:
    """Give the document out, or take what came back; tells what is wrong, None when it was done.

    Raises NotFound, KeyReused, StoreUnavailable.
    """
    by = By(asked.me.id, asked.text("for")[:60] or None)
    try:
        if trigger.file == "given":
            outside_given.give(office, view.id, by)
            return None
        content = _content(asked)
        if not content:
            raise Refused([Reason("file", WANTED[trigger.file or "signed"], _ASKS)])
        _TAKE[trigger.file or "signed"](office, view, content, by)
    except (NotFound, KeyReused, StoreUnavailable):
        raise
    except Problem as problem:
        return Wrong(trigger.name, status_of(problem), problem, _ASKS)
    return None


def _content(asked: Asked) -> bytes:
    uploaded = asked.form.get("file")
    return uploaded.file.read() if isinstance(uploaded, UploadFile) else b""


def _signed(office: Office, view: RequestView, content: bytes, by: By) -> None:
    outside_signed.take_signed(office, view.id, content, by)


def _scan(office: Office, view: RequestView, content: bytes, by: By) -> None:
    """Take a scan in, if it is of a document of this very request. Raises a Problem."""
    scans, wrong = matched(read_scan(content))
    if wrong:
        raise wrong[0]
    own = {document.number for document in view.documents}
    if [scan.number for scan in scans if scan.number not in own] or not scans:
        raise NothingOutside("The scan is of another request's document.", hint="Take it in at that request.")
    for scan in scans:
        outside_scans.take_scan(office, scan, by)


_TAKE: Final = {"signed": _signed, "scan": _scan}
