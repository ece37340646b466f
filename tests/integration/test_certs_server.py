"""The development authority over HTTP, asked by OpenSSL and by many at once."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from asn1crypto import algos, tsp
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.authority import DevelopmentAuthority
from certs.authority_timestamps import parse_request
from certs.errors import AuthorityMissing, AuthorityServerError
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer

NOW = datetime.now(UTC).replace(microsecond=0)
STAMP = {"Content-Type": "application/timestamp-query"}


@pytest.fixture
def own(tmp_path: Path) -> DevelopmentAuthority:
    return DevelopmentAuthority.create(tmp_path / "pki", base_url=free_base_url(), now=NOW)


def openssl(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def write_pem(folder: Path, **certificates: x509.Certificate) -> None:
    for name, certificate in certificates.items():
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))


async def fetch(method: str, url: str, data: bytes | None = None) -> tuple[int, str, bytes]:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=data, headers=STAMP) as response,
    ):
        return response.status, response.content_type, await response.read()


def post(url: str, data: bytes) -> tuple[int, str, bytes]:
    return asyncio.run(fetch("POST", url, data))


def stamp_query(nonce: int = 1) -> bytes:
    imprint = {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": bytes(32)}
    fields = {"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    return bytes(tsp.TimeStampReq(fields).dump())


@pytest.mark.witness
@pytest.mark.parametrize("digest", ["-sha256", "-sha384", "-sha512"])
def test_openssl_verifies_a_timestamp(authority_server: AuthorityServer, tmp_path: Path, digest: str) -> None:
    authority = authority_server.authority
    write_pem(tmp_path, root=authority.root, issuing=authority.issuing)
    (tmp_path / "data").write_bytes(b"data")
    openssl("ts", "-query", "-data", "data", digest, "-cert", "-out", "request", cwd=tmp_path)
    status, kind, answer = post(authority_server.tsa_url, (tmp_path / "request").read_bytes())
    assert (status, kind) == (200, "application/timestamp-reply")
    (tmp_path / "answer").write_bytes(answer)
    verify = ["ts", "-verify", "-in", "answer", "-CAfile", "root.pem", "-untrusted", "issuing.pem"]
    good = openssl(*verify, "-queryfile", "request", cwd=tmp_path)
    assert "Verification: OK" in good.stdout, good.stderr
    (tmp_path / "data").write_bytes(b"other")
    wrong = openssl(*verify, "-data", "data", cwd=tmp_path)
    assert "message imprint mismatch" in wrong.stderr


@pytest.mark.witness
def test_openssl_verifies_a_timestamp_without_certificates(
    authority_server: AuthorityServer, tmp_path: Path
) -> None:
    authority = authority_server.authority
    write_pem(tmp_path, root=authority.root)
    chain = authority.tsa.public_bytes(Encoding.PEM) + authority.issuing.public_bytes(Encoding.PEM)
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "data").write_bytes(b"data")
    openssl("ts", "-query", "-data", "data", "-sha256", "-no_nonce", "-out", "request", cwd=tmp_path)
    (tmp_path / "answer").write_bytes(post(authority_server.tsa_url, (tmp_path / "request").read_bytes())[2])
    done = openssl(
        *("ts", "-verify", "-in", "answer", "-queryfile", "request"),
        *("-CAfile", "root.pem", "-untrusted", "chain.pem"),
        cwd=tmp_path,
    )
    assert "Verification: OK" in done.stdout, done.stderr


@pytest.mark.witness
def test_revoking_flips_what_openssl_hears(authority_server: AuthorityServer, tmp_path: Path) -> None:
    authority = authority_server.authority
    issued = authority.issue("To be revoked", now=NOW)
    write_pem(tmp_path, root=authority.root, issuing=authority.issuing, person=issued.certificate)

    def ask(*options: str) -> tuple[str, str]:
        done = openssl(
            *("ocsp", "-issuer", "issuing.pem", *options, "-cert", "person.pem", "-CAfile", "root.pem"),
            *("-url", authority_server.ocsp_url),
            cwd=tmp_path,
        )
        return done.stdout, done.stderr

    def is_listed() -> bool:
        crl_der = asyncio.run(fetch("GET", f"{authority_server.base_url}/crl/issuing.crl"))[2]
        (tmp_path / "list.crl").write_bytes(crl_der)
        shown = openssl("crl", "-in", "list.crl", "-CAfile", "issuing.pem", "-text", "-noout", cwd=tmp_path)
        assert "verify OK" in shown.stderr
        return f"{issued.certificate.serial_number:X}" in shown.stdout

    for hash_option in ("-sha1", "-sha256"):
        said, warned = ask(hash_option)
        assert "person.pem: good" in said
        assert warned.strip() == "Response verify OK"  # and no warning about a missing nonce
    assert not is_listed()
    authority.revoke(issued.certificate.serial_number, at=NOW)
    said, _ = ask()
    assert "person.pem: revoked" in said
    assert "Reason: keyCompromise" in said
    assert is_listed()


@pytest.mark.parametrize("kind_of_hash", [SHA1, SHA256, SHA512])
def test_ocsp_echoes_the_nonce_and_the_way_of_hashing(
    authority_server: AuthorityServer, kind_of_hash: type[SHA1] | type[SHA256] | type[SHA512]
) -> None:
    authority, algorithm = authority_server.authority, kind_of_hash()
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(authority.tsa, authority.issuing, algorithm)
        .add_extension(x509.OCSPNonce(b"n" * 32), critical=False)
        .build()
    )
    status, kind, answer = post(authority_server.ocsp_url, request.public_bytes(Encoding.DER))
    assert (status, kind) == (200, "application/ocsp-response")
    response = ocsp.load_der_ocsp_response(answer)
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"n" * 32
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.hash_algorithm.name == algorithm.name
    assert response.next_update_utc is not None
    assert response.this_update_utc <= datetime.now(UTC) < response.next_update_utc


def test_ocsp_says_unknown_of_what_was_never_issued_and_unauthorized_of_others(
    authority_server: AuthorityServer,
) -> None:
    authority = authority_server.authority
    request = ocsp.OCSPRequestBuilder().add_certificate(authority.tsa, authority.issuing, SHA256()).build()

    def ask(issuer_name_hash: bytes, serial: int) -> ocsp.OCSPResponse:
        changed = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
            issuer_name_hash, request.issuer_key_hash, serial, SHA256()
        )
        answer = post(authority_server.ocsp_url, changed.build().public_bytes(Encoding.DER))[2]
        return ocsp.load_der_ocsp_response(answer)

    unknown = ask(request.issuer_name_hash, 12345)
    assert unknown.certificate_status is ocsp.OCSPCertStatus.UNKNOWN
    other = ask(bytes(32), authority.tsa.serial_number)
    assert other.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


@pytest.mark.parametrize("body", [b"", b"garbage", b"\x30\x00", b"\x30\x80", bytes(1000)])
def test_malformed_requests_get_their_protocols_refusal(
    authority_server: AuthorityServer, body: bytes
) -> None:
    status, _, answer = post(authority_server.ocsp_url, body)
    assert status == 200
    refused = ocsp.load_der_ocsp_response(answer).response_status
    assert refused is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    status, _, answer = post(authority_server.tsa_url, body)
    assert status == 200
    assert answer.startswith(b"\x30")
    assert b"\x02\x01\x02" in answer[:8]  # PKIStatus rejection


def test_a_nonce_that_is_too_long_is_malformed(authority_server: AuthorityServer) -> None:
    authority = authority_server.authority
    builder = ocsp.OCSPRequestBuilder().add_certificate(authority.tsa, authority.issuing, SHA256())
    request = builder.add_extension(x509.OCSPNonce(bytes(33)), critical=False).build()
    answer = post(authority_server.ocsp_url, request.public_bytes(Encoding.DER))[2]
    refused = ocsp.load_der_ocsp_response(answer).response_status
    assert refused is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_oversized_requests_and_other_addresses_are_refused(authority_server: AuthorityServer) -> None:
    assert post(authority_server.tsa_url, bytes(100_000))[0] == 413
    assert asyncio.run(fetch("GET", authority_server.tsa_url))[0] == 405
    assert asyncio.run(fetch("GET", f"{authority_server.base_url}/ca/root.key"))[0] == 404


def test_the_addresses_in_the_certificates_answer(authority_server: AuthorityServer) -> None:
    authority = authority_server.authority
    for name, expected in (("issuing", authority.issuing), ("root", authority.root)):
        _, kind, cert_der = asyncio.run(fetch("GET", f"{authority.base_url}/ca/{name}.crt"))
        assert (kind, x509.load_der_x509_certificate(cert_der)) == ("application/pkix-cert", expected)
        _, kind, crl_der = asyncio.run(fetch("GET", f"{authority.base_url}/crl/{name}.crl"))
        assert kind == "application/pkix-crl"
        assert x509.load_der_x509_crl(crl_der).issuer == expected.subject


def test_many_at_once_over_kept_connections_get_their_own_answers(authority_server: AuthorityServer) -> None:
    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:

            async def one(number: int) -> None:
                query = stamp_query(nonce=number)
                async with http.post(authority_server.tsa_url, data=query, headers=STAMP) as response:
                    assert parse_request(query).nonce in await response.read()

            for _ in range(4):
                await asyncio.gather(*(one(number) for number in range(1 << 40, (1 << 40) + 100)))

    asyncio.run(run())


def test_a_second_server_uses_the_first_and_leaves_it_running(authority_server: AuthorityServer) -> None:
    with AuthorityServer(authority_server.authority.folder) as second:
        assert post(second.tsa_url, stamp_query())[0] == 200
    assert post(authority_server.tsa_url, stamp_query())[0] == 200


def test_a_port_that_a_stranger_holds_is_a_clear_error(own: DevelopmentAuthority) -> None:
    port = int(own.base_url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(
            AuthorityServerError, match=f"cannot listen on {own.base_url}: .*in use"
        ) as caught:
            AuthorityServer(own.folder).start()
        assert "program that holds the port" in caught.value.hint


def test_another_authority_on_the_port_is_a_stranger(
    authority_server: AuthorityServer, tmp_path: Path
) -> None:
    base_url = authority_server.base_url
    other = DevelopmentAuthority.create(tmp_path / "other", base_url=base_url, now=NOW)
    with pytest.raises(AuthorityServerError, match="cannot listen"):
        AuthorityServer(other.folder).start()


def test_stop_frees_the_port_and_start_works_again(own: DevelopmentAuthority) -> None:
    server = AuthorityServer(own.folder)
    for _ in range(2):
        with server:
            assert post(server.tsa_url, stamp_query())[0] == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            post(server.tsa_url, stamp_query())


def test_a_server_that_cannot_start_says_why(own: DevelopmentAuthority, tmp_path: Path) -> None:
    with pytest.raises(AuthorityMissing):
        AuthorityServer(tmp_path / "absent")
    server = AuthorityServer(own.folder)
    (own.folder / "authority.json").unlink()
    with pytest.raises(AuthorityServerError, match="There is no development authority"):
        server.start()


def test_the_child_ends_when_its_parent_is_killed(own: DevelopmentAuthority) -> None:
    script = (
        "import sys, time; from pathlib import Path; from certs.serve_authority import AuthorityServer\n"
        "AuthorityServer(Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, own.folder], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.readline() == "up\n"
        assert post(own.tsa_url, stamp_query())[0] == 200
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 10
    while _listens(own.base_url):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)


def test_by_hand_it_runs_until_it_is_told_to_stop(own: DevelopmentAuthority) -> None:
    command = [sys.executable, "-m", "certs.serve_authority", own.folder]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"ready {own.base_url}\n"
        assert post(own.tsa_url, stamp_query())[0] == 200
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(180) == 0


def test_faults_are_not_on_the_servers_own_command_line(own: DevelopmentAuthority) -> None:
    command = [sys.executable, "-m", "certs.serve_authority", own.folder, "tsa-down"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "unrecognized arguments: tsa-down" in done.stderr


def test_a_faulty_server_can_stand_beside_the_right_one(authority_server: AuthorityServer) -> None:
    folder = authority_server.authority.folder
    with AuthorityServer(folder, faults=["tsa-down", "crl-garbage"], base_url=free_base_url()) as faulty:
        assert post(faulty.tsa_url, stamp_query())[0] == 503
        garbage = asyncio.run(fetch("GET", f"{faulty.base_url}/crl/issuing.crl"))[2]
        assert not garbage.startswith(b"\x30")
        assert post(authority_server.tsa_url, stamp_query())[0] == 200
    with pytest.raises(AuthorityServerError):
        AuthorityServer(folder, faults=["no-such-fault"], base_url=free_base_url()).start()


def _listens(base_url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(base_url.rpartition(":")[2]))) == 0
