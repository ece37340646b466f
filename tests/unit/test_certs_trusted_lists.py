"""A trusted list is used when its signature, its signer, its form and its date hold; otherwise not, and a
word says which and why. Sample lists of countries that do not exist.

PARAAF_CAMPAIGN multiplies the number of changes of single bytes.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from certs import signed_xml
from certs.errors import TrustError
from certs.trusted_lists import TrustedLists, load_trusted_lists
from tests.campaign import times
from tests.trusted_lists import Entry, Lists, ListSigner, Sample, ThreeReferences, criteria, qualification

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=900)
TOP, XA = "eu-lotl.xml", "xa.xml"
Change = Callable[[dict[str, bytes], Lists], None]


@pytest.fixture(scope="module")
def lists() -> Lists:
    made = Lists.make(NOW)
    provider = ListSigner.make("Sample provider", NOW).certificate
    return made.of("XA", Sample(provider, (Entry(LONG_AGO),))).of("XB", Sample(provider, (Entry(LONG_AGO),)))


def loaded(lists: Lists, folder: Path, change: Change | None = None) -> TrustedLists:
    lists.write(folder, (lambda files: change(files, lists)) if change else None)
    return load_trusted_lists(folder, now=NOW)


def replaced(name: str, old: str, new: str, *, count: int = 1) -> Change:
    def change(files: dict[str, bytes], lists: Lists) -> None:
        assert old.encode() in files[name]
        files[name] = files[name].replace(old.encode(), new.encode(), count)

    return change


def resigned(
    name: str, by: Callable[[Lists], ListSigner], edit: Callable[[str], str], **more: object
) -> Change:
    """The list edited before it is signed."""

    def change(files: dict[str, bytes], lists: Lists) -> None:
        plain = lists.top_list() if name == TOP else lists.national("XA")
        files[name] = by(lists).sign(edit(plain), **more)

    return change


def of_xa(lists: Lists) -> ListSigner:
    return lists.signers["XA"]


def of_top(lists: Lists) -> ListSigner:
    return lists.top


def same(xml: str) -> str:
    return xml


def stranger(lists: Lists) -> ListSigner:
    return ListSigner.make("Sample stranger", NOW)


def dated(**given: object) -> Callable[[dict[str, bytes], Lists], None]:
    def change(files: dict[str, bytes], lists: Lists) -> None:
        files[XA] = of_xa(lists).sign(lists.national("XA", **given))

    return change


def unsigned(name: str) -> Change:
    def change(files: dict[str, bytes], lists: Lists) -> None:
        files[name] = (lists.top_list() if name == TOP else lists.national("XA")).encode()

    return change


def content(data: bytes) -> Change:
    def change(files: dict[str, bytes], lists: Lists) -> None:
        files[XA] = data

    return change


def signature_of(xml: bytes) -> bytes:
    found = re.search(rb"<ds:Signature .*</ds:Signature>", xml, re.DOTALL)
    assert found
    return found.group()


def wrapped(files: dict[str, bytes], lists: Lists) -> None:
    """A forged list around the signed one, whose signature still refers to what it did sign."""
    whole = files[XA].split(b"?>", 1)[1].strip()
    signature = signature_of(whole)
    inner = whole.replace(signature, b"")
    forged = lists.national("XA").replace('Id="list"', 'Id="other"').replace("Sample provider", "Forger")
    end = b"</TrustServiceStatusList>"
    files[XA] = forged.encode().replace(end, b"<Hidden>" + inner + b"</Hidden>" + signature + end)


def wrapped_in_the_signature(files: dict[str, bytes], lists: Lists) -> None:
    whole = files[XA].split(b"?>", 1)[1].strip()
    signature = signature_of(whole)
    inner = whole.replace(signature, b"")
    hidden = b"<ds:Object>" + inner + b"</ds:Object></ds:Signature>"
    forged = lists.national("XA").replace('Id="list"', 'Id="other"').replace("Sample provider", "Forger")
    end = b"</TrustServiceStatusList>"
    files[XA] = forged.encode().replace(end, signature.replace(b"</ds:Signature>", hidden) + end)


def same_identifier_twice(files: dict[str, bytes], lists: Lists) -> None:
    files[XA] = files[XA].replace(b"<TrustServiceProvider>", b'<TrustServiceProvider Id="list">')


def signature_twice(files: dict[str, bytes], lists: Lists) -> None:
    signature = signature_of(files[XA])
    files[XA] = files[XA].replace(signature, signature + signature)


def signature_deeper(files: dict[str, bytes], lists: Lists) -> None:
    signature = signature_of(files[XA])
    moved = files[XA].replace(signature, b"")
    files[XA] = moved.replace(b"</TSPServices>", b"</TSPServices>" + signature)


def of_another_country(files: dict[str, bytes], lists: Lists) -> None:
    """The list of XB, signed by XA's signer, in XB's place."""
    files["xb.xml"] = of_xa(lists).sign(lists.national("XB"))


def signed_by_another_key(files: dict[str, bytes], lists: Lists) -> None:
    """Says that XA's certificate signed it, with the value of another key."""
    forged = stranger(lists).sign(lists.national("XA"))
    shown = re.search(rb"<ds:X509Certificate>.*?</ds:X509Certificate>", files[XA], re.DOTALL)
    assert shown
    files[XA] = re.sub(
        rb"<ds:X509Certificate>.*?</ds:X509Certificate>", shown.group(), forged, count=1, flags=re.DOTALL
    )


def extra_transform(algorithm: str, inside: str = "") -> Change:
    return replaced(
        XA,
        "<ds:Transforms>",
        f'<ds:Transforms><ds:Transform Algorithm="{algorithm}">{inside}</ds:Transform>',
    )


STYLESHEET = (
    '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0">'
    '<xsl:template match="/"><xsl:copy-of select="document(\'file:///etc/passwd\')"/></xsl:template>'
    "</xsl:stylesheet>"
)
ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
HA = f"{ENTITIES}<TrustServiceStatusList>&i;</TrustServiceStatusList>"
XXE = (
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    '<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">&e;</TrustServiceStatusList>'
)
PARAMETER = '<!DOCTYPE x [<!ENTITY % e SYSTEM "http://127.0.0.1:9/evil.dtd"> %e;]><x/>'
ELSEWHERE = "covers something else than the whole list"

BAD: list[tuple[str, Change, str]] = [
    ("expired", dated(until=NOW - timedelta(days=1)), "it has expired"),
    ("closed", dated(until=None), "names no next update"),
    ("from the future", dated(issued=NOW + timedelta(days=1)), "issued in the future"),
    ("unsigned", unsigned(XA), "it is not signed"),
    ("signed by a stranger", resigned(XA, stranger, same), "nobody who may sign it"),
    ("signed by the wrong key", signed_by_another_key, "does not hold"),
    ("a name changed", replaced(XA, "Sample provider", "Forged provider"), "does not hold"),
    ("a status changed", replaced(XA, "Svcstatus/granted", "Svcstatus/withdrawn"), "does not hold"),
    ("a service added", replaced(XA, "</TSPServices>", "<TSPService/></TSPServices>"), "does not hold"),
    ("signed properties changed", replaced(XA, "text/xml", "text/xyz"), "does not hold"),
    ("value changed", replaced(XA, "<ds:SignatureValue>", "<ds:SignatureValue>AAAA"), "does not hold"),
    (
        "a keyed hash instead of a signature",
        replaced(XA, "xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256"),
        "does not hold",
    ),
    ("SHA-1", resigned(XA, of_xa, same, digest=DigestAlgorithm.SHA1), "does not hold"),
    ("signed with SHA-1", resigned(XA, of_xa, same, method=SignatureMethod.ECDSA_SHA1), "does not hold"),
    ("wrapped", wrapped, ELSEWHERE),
    ("wrapped in the signature", wrapped_in_the_signature, ELSEWHERE),
    ("one identifier twice", same_identifier_twice, "uses an identifier twice"),
    ("two signatures", signature_twice, "does not stand where"),
    ("signature elsewhere", signature_deeper, "does not stand where"),
    ("a part is signed", replaced(XA, 'URI="#list"', 'URI="#part"'), ELSEWHERE),
    ("a file is signed", replaced(XA, 'URI="#list"', 'URI="file:///etc/passwd"'), ELSEWHERE),
    ("an address is signed", replaced(XA, 'URI="#list"', 'URI="http://127.0.0.1:9/x"'), ELSEWHERE),
    ("an expression is signed", replaced(XA, 'URI="#list"', 'URI="#xpointer(/)"'), ELSEWHERE),
    (
        "properties not signed",
        replaced(XA, 'Type="http://uri.etsi.org/01903#SignedProperties"', ""),
        "does not cover its own properties",
    ),
    (
        "XSLT",
        extra_transform("http://www.w3.org/TR/1999/REC-xslt-19991116", STYLESHEET),
        "transforms the list",
    ),
    ("XPath", extra_transform("http://www.w3.org/TR/1999/REC-xpath-19991116"), "transforms the list"),
    ("base64", extra_transform("http://www.w3.org/2000/09/xmldsig#base64"), "transforms the list"),
    ("entity from a file", content(XXE.encode()), "declares a document type or entities"),
    ("entity from an address", content(PARAMETER.encode()), "declares a document type or entities"),
    ("billion laughs", content(HA.encode()), "declares a document type or entities"),
    ("UTF-16", content(XXE.encode("utf-16")), "it is not in UTF-8"),
    (
        "UTF-7 declared",
        content(b'<?xml version="1.0" encoding="UTF-7"?><x/>'),
        "it is not in UTF-8",
    ),
    ("empty", content(b""), "not well-formed"),
    ("cut off", lambda files, _: files.update({XA: files[XA][:-200]}), "not well-formed"),
    ("nested deeply", content(b"<x>" * 3000 + b"</x>" * 3000), "not well-formed"),
    ("no list", content(b"<html/>"), "it is no trusted list"),
    ("absent", lambda files, _: files.pop(XA) and None, "no list of it that can be used"),
    ("another version", dated(version="4"), "of a version that is not read"),
    (
        "no status in it",
        resigned(XA, of_xa, lambda xml: re.sub("<ServiceStatus>.*?</ServiceStatus>", "", xml)),
        "has no ServiceStatus",
    ),
    (
        "no time in it",
        resigned(XA, of_xa, lambda xml: re.sub("<StatusStartingTime>.*?<", "<StatusStartingTime>soon<", xml)),
        "is no time",
    ),
]


@pytest.mark.parametrize(("change", "why"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_list_that_does_not_hold_is_not_used_and_says_why(
    change: Change, why: str, lists: Lists, tmp_path: Path
) -> None:
    found = loaded(lists, tmp_path, change)
    assert any(why in unused.why for unused in found.unused), found.unused
    assert found.usable
    assert "XA" in found.missing
    assert {service.country for service in found.services} == {"XB"}


BAD_TOP: list[tuple[str, Change, str]] = [
    (
        "expired",
        lambda f, x: f.update({TOP: x.top.sign(x.top_list(until=NOW - timedelta(1)))}),
        "has expired",
    ),
    ("unsigned", unsigned(TOP), "is not signed"),
    ("signed by a stranger", resigned(TOP, stranger, same), "nobody who may sign it"),
    ("signed by a country", resigned(TOP, of_xa, same), "nobody who may sign it"),
    ("changed", replaced(TOP, "Sample scheme", "Forged scheme"), "does not hold"),
    ("no XML", lambda files, _: files.update({TOP: b"\0"}), "not well-formed"),
    (
        "by a certificate that has ended",
        lambda files, lists: files.update(expired_top(lists)),
        "not valid now",
    ),
]


def expired_top(lists: Lists) -> dict[str, bytes]:
    ended = ListSigner.make("Sample signer, ended", NOW, days=-1)
    return {TOP: ended.sign(lists.top_list()), "ended.pem": ended.certificate.public_bytes(Encoding.PEM)}


@pytest.mark.parametrize(("change", "why"), [case[1:] for case in BAD_TOP], ids=[case[0] for case in BAD_TOP])
def test_without_a_list_of_the_lists_nothing_is_known(
    change: Change, why: str, lists: Lists, tmp_path: Path
) -> None:
    found = loaded(lists, tmp_path, change)
    assert any(why in unused.why for unused in found.unused), found.unused
    assert not found.usable
    assert found.services == ()


def test_lists_that_hold_are_used(lists: Lists, tmp_path: Path) -> None:
    found = loaded(lists, tmp_path)
    assert (found.unused, found.missing, found.usable) == ((), frozenset(), True)
    (service, _) = found.services
    assert (service.country, service.provider, service.kind) == ("XA", "Sample provider", "CA/QC")
    assert [period.status for period in service.periods] == ["granted"]


@pytest.mark.parametrize("uri", ["", "#list"])
def test_a_signature_over_its_certificates_too_is_read(uri: str, lists: Lists, tmp_path: Path) -> None:
    edit = same if uri else lambda xml: xml.replace(' Id="list"', "")
    change = resigned(XA, of_xa, edit, signer=ThreeReferences, uri=uri)
    assert loaded(lists, tmp_path, change).unused == ()
    assert f'URI="{uri}"'.encode() in (tmp_path / XA).read_bytes()


def test_a_list_that_nobody_points_to_is_not_used(lists: Lists, tmp_path: Path) -> None:
    def change(files: dict[str, bytes], lists: Lists) -> None:
        files["xc.xml"] = of_xa(lists).sign(lists.national("XC"))

    found = loaded(lists, tmp_path, change)
    assert [(unused.name, "names none of" in unused.why) for unused in found.unused] == [("xc.xml", True)]
    assert {service.country for service in found.services} == {"XA", "XB"}


def test_nobody_signs_for_another_country(lists: Lists, tmp_path: Path) -> None:
    found = loaded(lists, tmp_path, of_another_country)
    assert found.missing == {"XB"}
    assert any("nobody who may sign it" in unused.why for unused in found.unused)


def test_of_two_lists_of_a_country_the_later_one_counts(lists: Lists, tmp_path: Path) -> None:
    def change(files: dict[str, bytes], lists: Lists) -> None:
        later = lists.of("XA").national("XA", number=12)
        files["a-newer.xml"] = of_xa(lists).sign(later)

    assert [service.country for service in loaded(lists, tmp_path, change).services] == ["XB"]


def test_nothing_from_outside_gets_into_a_list(lists: Lists, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("from outside")
    include = (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    )
    change = resigned(XA, of_xa, lambda xml: xml.replace("Sample service", f"Sample {include}service"))
    found = loaded(lists, tmp_path / "lists", change)
    assert "outside" not in repr(found)


def test_a_comment_hides_no_part_of_a_value(lists: Lists, tmp_path: Path) -> None:
    change = replaced(XA, "Svcstatus/granted", "Svcstatus/<!-- with -->granted")
    found = loaded(lists, tmp_path, change)
    assert [period.status for service in found.services for period in service.periods] == [
        "granted",
        "granted",
    ]


def test_a_file_that_is_too_large_is_not_parsed(
    lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_xml, "LARGEST_FILE", 8000)
    found = loaded(lists, tmp_path, replaced(XA, "<TSPServices>", "<TSPServices>" + " " * 9000))
    assert any("larger than" in unused.why for unused in found.unused)


def test_criteria_within_each_other_without_end_are_refused(lists: Lists, tmp_path: Path) -> None:
    deep = ""
    for _ in range(20):
        deep = criteria(deep)
    changed = lists.of(
        "XA", Sample(of_xa(lists).certificate, (Entry(LONG_AGO, extensions=qualification(criteria=deep)),))
    )
    found = loaded(changed, tmp_path)
    assert any("nested too deeply" in unused.why for unused in found.unused)


def test_history_tells_the_status_of_each_day(lists: Lists, tmp_path: Path) -> None:
    days = [NOW - timedelta(days=back) for back in (100, 200, 300)]
    entries = tuple(
        Entry(day, status) for day, status in zip(days, ("withdrawn", "granted", "other"), strict=True)
    )
    found = loaded(lists.of("XA", Sample(of_xa(lists).certificate, entries)), tmp_path)
    service = found.services[0]
    told = [
        service.period_at(day + timedelta(days=after)) for day, after in zip(days, (0, 99, 0), strict=True)
    ]
    assert [period.status if period else None for period in told] == ["withdrawn", "granted", "other"]
    assert service.period_at(days[-1] - timedelta(seconds=1)) is None


def test_a_folder_that_nobody_can_use_is_an_error(lists: Lists, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="cannot be read"):
        load_trusted_lists(tmp_path / "absent", now=NOW)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrustError, match="holds no trusted lists"):
        load_trusted_lists(tmp_path / "empty", now=NOW)
    folder = lists.write(tmp_path / "lists", lambda files: files.pop("signer.pem") and None)
    with pytest.raises(TrustError, match="Nobody is named who may sign"):
        load_trusted_lists(folder, now=NOW)
    named = tmp_path / "signer.txt"
    named.write_bytes(lists.top.certificate.public_bytes(Encoding.PEM))
    assert load_trusted_lists(folder, [named], now=NOW).usable
    (folder / TOP).unlink()
    with pytest.raises(TrustError, match="holds no list of the lists"):
        load_trusted_lists(folder, [named], now=NOW)


def test_no_change_of_a_byte_changes_what_a_list_says(lists: Lists, tmp_path: Path) -> None:
    """Any byte of a signed list, changed to any other: not used, or used with the same contents."""
    random = Random(20261125)  # noqa: S311 (chooses what to break)
    whole = loaded(lists, tmp_path)
    original = (tmp_path / XA).read_bytes()
    refused = 0
    for _ in range(times(60)):
        place, change = random.randrange(len(original)), random.randrange(1, 256)
        flipped = bytes([original[place] ^ change])
        (tmp_path / XA).write_bytes(original[:place] + flipped + original[place + 1 :])
        found = load_trusted_lists(tmp_path, now=NOW)
        if found.unused:
            refused += 1
        else:
            assert found == whole, place
    assert refused > 0
