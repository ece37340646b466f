"""Whatever is written into a certificate, nobody is called but whom the caller allowed: a canary in the place
of the network fails the test when it is touched.
"""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

import pytest
from aiohttp import web

from certs.errors import TrustError
from certs.evidence import UnusableAnswer
from certs.fenced_fetch import REQUESTS_A_FILE, FencedFetcher, send
from certs.hosts import AllowedHosts, Target, is_public, split_url
from certs.loopback import free_base_url

PUBLIC = "93.184.216.34"
ALLOWED = AllowedHosts.parse(["ocsp.example", "crl.example:8080", PUBLIC, "127.0.0.1:20333"])


class Canary:
    """Stands where the network is; `asked` is what would have been sent."""

    def __init__(self) -> None:
        self.asked: list[Target] = []

    async def __call__(self, target: Target, body: bytes | None, headers: dict[str, str]) -> bytes:
        self.asked.append(target)
        return b"answer"


def fetched(url: str, *, addresses: Sequence[str] = (PUBLIC,), allowed: AllowedHosts = ALLOWED) -> Canary:
    canary = Canary()
    fetcher = FencedFetcher(allowed, resolve=lambda host, port, timeout_s: addresses, transport=canary)
    asyncio.run(fetcher(url, data=None, headers={}))
    return canary


def refused(url: str, **more: object) -> str:
    canary = Canary()
    addresses = more.pop("addresses", (PUBLIC,))
    fetcher = FencedFetcher(ALLOWED, resolve=lambda host, port, timeout_s: addresses, transport=canary)  # type: ignore[arg-type, return-value]
    with pytest.raises(UnusableAnswer) as why:
        asyncio.run(fetcher(url, data=None, headers={}))
    assert canary.asked == []
    return str(why.value)


HOSTILE = [
    "http://127.0.0.1/ocsp",
    "http://127.0.0.1:80/ocsp",
    "http://127.0.0.1:20334/ocsp",
    "https://127.0.0.1/ocsp",
    "http://127.1:20333/",
    "http://127.0.1:20333/",
    "http://2130706433:20333/",
    "http://0x7f000001:20333/",
    "http://0x7f.0.0.1:20333/",
    "http://0177.0.0.1:20333/",
    "http://127.0.0.1.:20333/",
    "http://127.000.000.001:20333/",
    "http://localhost:20333/",
    "http://localhost.localdomain/",
    "http://[::1]:20333/",
    "http://[::]:20333/",
    "http://[::ffff:127.0.0.1]:20333/",
    "http://[::ffff:7f00:1]:20333/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:20333/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00::1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://172.16.0.1/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://ocsp.example:22/",
    "http://ocsp.example:8080/",
    "http://crl.example/",
    "http://ocsp.example:99999/",
    "http://ocsp.example:0x50/",
    "http://ocsp.example:80:80/",
    "http://ocsp.example@127.0.0.1/",
    "http://127.0.0.1@ocsp.example/",
    "http://user:word@ocsp.example/",
    "http://ocsp.example\\@127.0.0.1/",
    "http://ocsp.example#@127.0.0.1/",
    "http://ocsp.example/#fragment",
    "http://ocsp.example?x=http://127.0.0.1/\r\nHost: 127.0.0.1",
    "http://ocsp.example/a\r\nX-Injected: 1",
    "http://ocsp.example/a b",
    "http://ocsp.example/\x00",
    "http://ocsp.example\t/",
    " http://ocsp.example/",
    "http:ocsp.example/",
    "http:///ocsp.example/",
    "http://",
    "//ocsp.example/",
    "HTTP://ocsp.example/",
    "http://ocsp.example。/",
    "http://ⓞcsp.example/",
    "http://ocsp.example.evil.example/",
    "http://evil.example/ocsp.example",
    "http://evil.example?ocsp.example",
    "http://ocsp.example./",
    "http://-ocsp.example/",
    "http://ocsp..example/",
    "http://ocsp_.example/",
    "https://ocsp.example/" + "a" * 2000,
    "ftp://ocsp.example/list.crl",
    "file:///etc/passwd",
    "gopher://ocsp.example/_x",
    "ldap://ocsp.example/cn=CRL",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "jar:http://ocsp.example!/",
    "",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_asked_nothing(url: str) -> None:
    assert refused(url)


BEHIND_A_NAME = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.31.255.255", "192.168.0.10"),  # noqa: S104 (never bound)
    *("100.64.1.1", "100.127.255.254", "169.254.169.254", "192.0.0.8", "192.0.2.1", "198.18.0.1"),
    *(
        "198.51.100.7",
        "203.0.113.9",
        "192.88.99.1",
        "224.0.0.251",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
    ),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::7f00:1", "64:ff9b::7f00:1"),
    *("64:ff9b::5db8:d822", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1"),
    *("2001:10::1", "2001:20::1", "3fff::1", "100::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0"),
    *("fec0::1", "ff02::1", "5f00::1", "not-an-address"),
]


@pytest.mark.parametrize("address", BEHIND_A_NAME)
def test_an_allowed_name_that_leads_elsewhere_is_asked_nothing(address: str) -> None:
    assert refused("http://ocsp.example/", addresses=(address,))


@pytest.mark.parametrize("others", [("127.0.0.1",), ("10.0.0.1",), ("::1",)])
def test_one_address_that_is_not_public_spoils_all(others: tuple[str, ...]) -> None:
    assert refused("http://ocsp.example/", addresses=(PUBLIC, *others))
    assert refused("http://ocsp.example/", addresses=(*others, PUBLIC))
    assert refused("http://ocsp.example/", addresses=())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://ocsp.example/a/b%20c?x=1", ("http", "ocsp.example", 80, "/a/b%20c?x=1")),
        ("https://OCSP.Example", ("https", "ocsp.example", 443, "/")),
        ("http://crl.example:8080/list.crl", ("http", "crl.example", 8080, "/list.crl")),
        (f"http://{PUBLIC}/", ("http", PUBLIC, 80, "/")),
        ("http://ocsp.example?x", ("http", "ocsp.example", 80, "/?x")),
    ],
)
def test_an_allowed_host_is_asked_at_the_address_that_was_looked_at(
    url: str, expected: tuple[str, str, int, str]
) -> None:
    (asked,) = fetched(url).asked
    assert (asked.scheme, asked.host, asked.port, asked.path, asked.address) == (*expected, PUBLIC)


@pytest.mark.parametrize(
    ("entry", "url", "address"),
    [
        ("127.0.0.1:20333", "http://127.0.0.1:20333/ocsp", "127.0.0.1"),
        ("[::1]:20333", "http://[::1]:20333/ocsp", "::1"),
        ("localhost:20333", "http://localhost:20333/ocsp", "127.0.0.1"),
    ],
)
def test_this_machine_is_asked_only_when_it_is_named(entry: str, url: str, address: str) -> None:
    allowed = AllowedHosts.parse([entry])
    (asked,) = fetched(url, addresses=[address], allowed=allowed).asked
    assert asked.address == address
    with pytest.raises(UnusableAnswer):
        fetched(
            "http://ocsp.example/", addresses=[address], allowed=AllowedHosts.parse([entry, "ocsp.example"])
        )


def test_a_name_is_looked_up_once() -> None:
    looked_up = []

    def rebinding(host: str, port: int, timeout_s: float) -> Sequence[str]:
        looked_up.append(host)
        return [PUBLIC] if len(looked_up) == 1 else ["127.0.0.1"]

    canary = Canary()
    asyncio.run(
        FencedFetcher(ALLOWED, resolve=rebinding, transport=canary)(
            "http://ocsp.example/", data=None, headers={}
        )
    )
    assert looked_up == ["ocsp.example"]
    assert [asked.address for asked in canary.asked] == [PUBLIC]


def test_a_file_may_ask_a_few_times_and_the_next_one_again() -> None:
    canary = Canary()
    fetcher = FencedFetcher(ALLOWED, resolve=lambda *_: [PUBLIC], transport=canary)

    def ask() -> None:
        asyncio.run(fetcher("http://ocsp.example/", data=b"", headers={}))

    for _ in range(REQUESTS_A_FILE):
        ask()
    with pytest.raises(UnusableAnswer, match="enough"):
        ask()
    fetcher.begin()
    ask()
    assert len(canary.asked) == REQUESTS_A_FILE + 1


def test_a_file_has_only_so_much_time() -> None:
    clock = iter([0.0, 14.0, 16.0])
    fetcher = FencedFetcher(
        ALLOWED, resolve=lambda *_: [PUBLIC], transport=Canary(), monotonic=lambda: next(clock)
    )
    asyncio.run(fetcher("http://ocsp.example/", data=b"", headers={}))
    with pytest.raises(UnusableAnswer, match="enough"):
        asyncio.run(fetcher("http://ocsp.example/", data=b"", headers={}))


def test_an_answer_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(target: Target, body: bytes | None, headers: dict[str, str]) -> bytes:
        await asyncio.sleep(60)
        return b""

    monkeypatch.setattr("certs.fenced_fetch.SECONDS_A_REQUEST", 0.05)
    fetcher = FencedFetcher(ALLOWED, resolve=lambda *_: [PUBLIC], transport=silent)
    with pytest.raises(UnusableAnswer, match="took too long"):
        asyncio.run(fetcher("http://ocsp.example/", data=None, headers={}))


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "http://ocsp.example",
        "ocsp.example/",
        "ocsp.example:0",
        "*",
        "a b",
        "127.1",
        "ocsp.example:99999",
        "[::1",
        "user@host",
    ],
)
def test_whom_to_ask_has_to_be_said_plainly(entry: str) -> None:
    with pytest.raises(TrustError, match="names no host"):
        AllowedHosts.parse([entry])


def served(*handlers: tuple[str, object], ask: str) -> bytes:
    """The answer of a server on loopback that is asked over a real connection."""
    base = free_base_url()
    port = int(base.rsplit(":", 1)[1])

    async def run() -> bytes:
        app = web.Application()
        for path, handler in handlers:
            app.router.add_route("*", path, handler)  # type: ignore[arg-type]
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            fetcher = FencedFetcher(AllowedHosts.parse([f"127.0.0.1:{port}"]), transport=send)
            return await fetcher(f"{base}{ask}", data=b"question", headers={"X-Sent": "1"})
        finally:
            await runner.cleanup()

    return asyncio.run(run())


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=b"%s %s" % (request.method.encode(), await request.read()))


async def redirect(request: web.Request) -> web.Response:
    raise web.HTTPFound("/echo")


async def huge(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * (2 * 1024 * 1024 + 1))


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        for _ in range(64):
            await response.write(b"x" * 65536)
    except ConnectionError:
        pass
    return response


async def packed(request: web.Request) -> web.Response:
    return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})


def test_a_real_answer_is_had_over_a_pinned_connection() -> None:
    assert served(("/echo", echo), ask="/echo") == b"POST question"


@pytest.mark.parametrize(
    ("handler", "why"),
    [(redirect, "HTTP status 302"), (huge, "larger than"), (endless, "larger than"), (packed, "compressed")],
)
def test_answers_that_are_not_taken(handler: object, why: str) -> None:
    with pytest.raises(UnusableAnswer, match=why):
        served(("/x", handler), ("/echo", echo), ask="/x")


def test_an_address_is_put_together_anew() -> None:
    assert split_url("http://OCSP.example:80/a?b").url == "http://ocsp.example:80/a?b"
