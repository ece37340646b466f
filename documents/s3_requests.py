"""Requests to S3-compatible storage that the client library has no call for.

A put into a bucket that locks, what the bucket locks, until when a file is locked, the removal of versions.

Signed with AWS Signature Version 4 (Amazon S3 API Reference, "Signature Calculations for the Authorization
Header", single chunk). Plain HTTP/1.1 to one address, no redirect, no proxy, one connection a request. Each
may be repeated without harm, and is when the storage is busy or the connection breaks.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

from documents.errors import BlobError

TIMEOUT_S = 30.0
TRIES, FIRST_WAIT_S = 3, 0.2
MOST_BYTES = 10_000_000  # of an answer: a thousand versions take less than one
_NO_LOCK = "ObjectLockConfigurationNotFoundError"


@dataclass(frozen=True)
class Access:
    """Where a bucket is, and as whom it is asked. The secret is in no message and in no `repr`."""

    endpoint: str
    """Such as https://s3.eu-west-1.amazonaws.com, without a path; the bucket is asked for by its path."""
    region: str
    bucket: str
    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, headers in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def date(self) -> datetime:
        """When the storage answered, by its own clock."""
        return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)

    @property
    def code(self) -> str:
        """The code of an error, "" for none."""
        return "" if self.status < 300 or not self.body else next(iter(_texts(self.xml(), "Code")), "")

    def xml(self) -> ElementTree.Element:
        """The body as XML. Raises BlobError."""
        try:
            # sent by the storage that is trusted with the files themselves
            return ElementTree.fromstring(self.body)  # noqa: S314
        except ElementTree.ParseError as error:
            raise _failed("it did not answer in XML") from error


@dataclass(frozen=True)
class DefaultLock:
    """For how many days a bucket locks what is put into it, and whether an administrator can lift that."""

    mode: str
    """GOVERNANCE or COMPLIANCE."""
    days: int


@dataclass(frozen=True)
class Version:
    """One version of a file, or the mark that a plain deletion leaves."""

    id: str
    is_marker: bool


class Requests:
    """Asks one bucket. Every method raises BlobError when it can't be reached or refuses."""

    def __init__(self, access: Access, *, timeout_s: float = TIMEOUT_S, tries: int = TRIES) -> None:
        self._access = access
        self._timeout_s = timeout_s
        self._tries = tries

    def default_lock(self) -> DefaultLock | None:
        """What the bucket locks by itself; None when it does not."""
        answer = self.ask("GET", query={"object-lock": ""})
        if answer.code == _NO_LOCK:
            return None
        _require(answer, 200)
        [mode, days, years] = (
            next(iter(_texts(answer.xml(), name)), "") for name in ("Mode", "Days", "Years")
        )
        if not mode:
            return None
        return DefaultLock(mode, int(days) if days else 365 * int(years or 0))

    def put(self, key: str, content: bytes) -> str | None:
        """Store content; the storage holds it against its digest. The version, where the bucket has them."""
        answer = self.ask("PUT", key, headers=_checked(content), body=content)
        _require(answer, 200)
        return answer.headers.get("x-amz-version-id")

    def put_new(self, key: str, content: bytes) -> None:
        """Store content unless there is something under this key, whoever was faster."""
        once = {**_checked(content), "if-none-match": "*"}
        answer = self.ask("PUT", key, headers=once, body=content)
        if answer.status == 501:  # a storage that knows no conditions
            answer = self.ask("PUT", key, headers=_checked(content), body=content)
        _require(answer, 200, 409, 412)

    def get(self, key: str) -> bytes:
        """What is stored under a key; nothing when there is none."""
        answer = self.ask("GET", key)
        _require(answer, 200, 404)
        return answer.body if answer.status == 200 else b""

    def exists(self, key: str) -> bool:
        """Whether anything is stored under a key."""
        answer = self.ask("HEAD", key)
        _require(answer, 200, 404)
        return answer.status == 200

    def locked_until(self, key: str, version: str | None = None) -> tuple[datetime | None, datetime]:
        """Until when a file is locked, None when it is not; and what the storage's clock says."""
        answer = self.ask("HEAD", key, query={"versionId": version} if version else {})
        _require(answer, 200)
        until = answer.headers.get("x-amz-object-lock-retain-until-date")
        return (_moment(until) if until else None), answer.date

    def versions(self, key: str) -> list[Version]:
        """Every version of a file, the marks last: as long as a mark is there, what was removed stays so."""
        found: list[Version] = []
        at: dict[str, str] = {}
        while True:
            answer = self.ask("GET", query={"versions": "", "prefix": key, **at})
            _require(answer, 200)
            root = answer.xml()
            for kind in ("Version", "DeleteMarker"):
                mine = (one for one in _elements(root, kind) if _texts(one, "Key") == [key])
                found += [Version(_texts(one, "VersionId")[0], kind == "DeleteMarker") for one in mine]
            if _texts(root, "IsTruncated") != ["true"]:
                return sorted(found, key=lambda version: version.is_marker)
            markers = {"key-marker": "NextKeyMarker", "version-id-marker": "NextVersionIdMarker"}
            at = {name: said[0] for name, tag in markers.items() if (said := _texts(root, tag))}

    def remove_version(self, key: str, version: str) -> bool:
        """Remove one version for good; False when that is refused, as long as it is locked."""
        answer = self.ask("DELETE", key, query={"versionId": version})
        if answer.status == 403:
            return False
        _require(answer, 204, 200, 404)
        return True

    def ask(
        self,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """One signed request about the bucket, or a file in it. Raises BlobError when there is no answer."""
        for wait_s in (FIRST_WAIT_S * 2**number for number in range(self._tries - 1)):
            with suppress(BlobError):
                answer = self._ask(method, key, query or {}, headers or {}, body)
                if answer.status < 500:
                    return answer
            time.sleep(wait_s)
        return self._ask(method, key, query or {}, headers or {}, body)

    def _ask(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        place = urlsplit(self._access.endpoint)
        path = quote(f"/{self._access.bucket}/{key}" if key else f"/{self._access.bucket}", safe="/-_.~")
        sent = {**headers, "host": place.netloc, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
        sent |= signed(self._access, method, path, query, sent, now=datetime.now(UTC))
        connect = HTTPSConnection if place.scheme == "https" else HTTPConnection
        connection = connect(place.netloc, timeout=self._timeout_s)
        try:
            connection.request(method, f"{path}?{_query(query)}", body=body, headers=sent)
            response = connection.getresponse()
            content = response.read(MOST_BYTES)
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        except (OSError, HTTPException) as error:
            raise _failed("it can't be reached") from error
        finally:
            connection.close()


def signed(
    access: Access,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    now: datetime,
) -> dict[str, str]:
    """The headers that sign a request, authorization and x-amz-date; all of `headers` are signed.

    `path` is encoded; `headers` have `host` and `x-amz-content-sha256`, names in lower case.
    """
    moment = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    scope = f"{moment[:8]}/{access.region}/s3/aws4_request"
    every = {**headers, "x-amz-date": moment}
    names = ";".join(sorted(every))
    lines = "".join(f"{name}:{every[name].strip()}\n" for name in sorted(every))
    request = "\n".join((method, path, _query(query), lines, names, headers["x-amz-content-sha256"]))
    text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{access.secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    told = f"Credential={access.key_id}/{scope},SignedHeaders={names},Signature={_hmac(key, text).hex()}"
    return {"authorization": f"AWS4-HMAC-SHA256 {told}", "x-amz-date": moment}


def _checked(content: bytes) -> dict[str, str]:
    """Have the storage hold content against its digest."""
    # both headers: a bucket that locks asks for the first, and the client library sends the second alone
    checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"x-amz-sdk-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": checksum}


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _query(query: Mapping[str, str]) -> str:
    return urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")


def _require(answer: Answer, *statuses: int) -> None:
    if answer.status not in statuses:
        raise _failed(f"it answered {answer.status} {answer.code}".rstrip())


def _failed(why: str) -> BlobError:
    return BlobError(
        f"The object storage does not do what it was asked: {why}.",
        hint="Look at the storage, its address, the credentials and their rights (docs/settings.md).",
    )


def _elements(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (one for one in root.iter() if one.tag.rpartition("}")[2] == name)


def _texts(root: ElementTree.Element, name: str) -> list[str]:
    return [one.text or "" for one in _elements(root, name)]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
