"""An organisation's `signing.toml`: what it may say, and that a refusal names file, key and mend."""

from datetime import timedelta
from pathlib import Path

import pytest

from certs.errors import TrustError
from signing.authorities import COOL_DOWN, Limit
from signing.errors import ProfileError
from signing.organisation import KeyInFile, KeyInToken, load_organisation
from signing.profile import Level, packaged_profiles

KINDS = ("employer_declaration",)
WHOLE = """
[minimum]
employer_declaration = "B-LT"

[timestampers.one]
url = "https://tsa.example.org/tsr"

[signers.seal-2026]
type = "file"
key = "keys/seal.p12"
passphrase_file = "keys/seal.pass"

[signers.seal-2027]
type = "pkcs11"
uri = "pkcs11:token=seals;object=seal-2027?module-path=/usr/lib/token.so"
pin_file = "keys/pin"
chain = "keys/chain.pem"

[profiles.organisation-seal]
kind = "seal"
level = "B-LTA"
timestampers = ["one", "development", "http://127.0.0.1:9/tsa"]
signer = ["seal-2026", "seal-2027"]

[profiles.board]
kind = "person"
level = "B-T"
timestampers = ["one"]
signer = { P001 = "seal-2026", P002 = ["seal-2027"] }
"""

CARD = '[signers.card]\ntype = "file"\nkey = "k"\n[profiles.x]\nkind = "person"\nlevel = "B-B"\n'
PROVIDER = (
    '[signers.p]\ntype = "csc"\nurl = "https://csc.example.org"\nclient_id = "us"\nclient_secret_file = "s"\n'
)
TSA = '[timestampers.a]\nurl = "https://tsa.example.org/tsr"\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "signing.toml"
    file.write_text(text)
    return file


def test_without_a_file_what_comes_with_the_release_counts(tmp_path: Path) -> None:
    for file in (None, tmp_path / "signing.toml"):
        assert load_organisation(file).profiles == packaged_profiles()


def test_a_file_names_profiles_signers_timestampers_and_minimum(tmp_path: Path) -> None:
    found = load_organisation(written(tmp_path, WHOLE), kinds=KINDS)
    assert set(found.profiles) == {*packaged_profiles(), "board"}
    seal, board = found.profiles["organisation-seal"], found.profiles["board"]
    assert seal.signers_of("anybody") == ("seal-2026", "seal-2027")
    assert (board.signers_of("P001"), board.signers_of("P002")) == (("seal-2026",), ("seal-2027",))
    assert board.signers_of("P003") == ()
    keys = tmp_path / "keys"
    assert found.signers["seal-2026"] == KeyInFile(keys / "seal.p12", None, keys / "seal.pass")
    uri = "pkcs11:token=seals;object=seal-2027?module-path=/usr/lib/token.so"
    assert found.signers["seal-2027"] == KeyInToken(uri, keys / "chain.pem", keys / "pin")
    assert [(one.name, one.url) for one in found.timestampers] == [("one", "https://tsa.example.org/tsr")]
    assert (found.minimum, found.unsigned) == ({"employer_declaration": Level.B_LT}, frozenset())


def test_a_file_says_that_a_kind_needs_no_signature(tmp_path: Path) -> None:
    text = '[minimum]\naction_plan = "none"\nemployer_declaration = "B-LT"\n'
    found = load_organisation(written(tmp_path, text), kinds=[*KINDS, "action_plan"])
    assert (found.minimum, found.unsigned) == ({"employer_declaration": Level.B_LT}, {"action_plan"})


@pytest.mark.parametrize(
    ("text", "key", "mend"),
    [
        ("colour = 1", "colour", "known keys are"),
        ("[profiles]\nx = 1", "profiles.x", "[profiles.x]"),
        ('[profiles.x]\nkind = "seal"', "profiles.x.level", "B-B"),
        ('[profiles.x]\nkind = "seal"\nlevel = "B-B"\nreson = "y"', "profiles.x.reson", "Remove"),
        (
            '[profiles.x]\nkind = "seal"\nlevel = "B-B"\nsigner = "gone"',
            "profiles.x.signer",
            "There are: none",
        ),
        ('[profiles.x]\nkind = "seal"\nlevel = "B-B"\nsigner = [1]', "profiles.x.signer", "names of"),
        *(
            (f'[profiles.x]\nkind = "seal"\nlevel = "B-B"\nsigner = {said}', "profiles.x.signer", "Name a")
            for said in ("[]", "{}", '{ "Gemeente Voorbeeld" = [] }')
        ),
        (f'{CARD}signer = "card"', "profiles.x.signer", "signer = { PERSON"),
        (f'{CARD}signer = {{ P001 = "card", P002 = ["card"] }}', "profiles.x.signer", "of their own"),
        (f'{CARD}signer = ["card", "card"]', "profiles.x.signer", "Leave one out"),
        (f'{CARD}signer = {{ P001 = ["card", "card"] }}', "profiles.x.signer", "Leave one out"),
        (f'{CARD}timestampers = ["development", "development"]', "profiles.x.timestampers", "Leave one"),
        (f"{CARD}key_usage = []", "profiles.x.key_usage", "leave it out"),
        (f"{PROVIDER}[signers.p.keys]", "signers.p.keys", "PERSON"),
        *(
            (f"{PROVIDER}hashes_a_call = {said}\nkeys = {{ P001 = 'a' }}", "signers.p.hashes_a_call", mend)
            for said, mend in (("true", "a number"), ("1.0", "a number"), ("0", "1 or more"))
        ),
        *(
            (f"{PROVIDER}{key} = '{url}'\nkeys = {{ P001 = 'a' }}", f"signers.p.{key}", "https://")
            for key, url in (
                ("oauth_url", "http://csc.example.org"),
                ("oauth_url", "https://me:geheim@csc.example.org"),
                ("oauth_url", "https://csc.example.org:port"),
            )
        ),
        (PROVIDER.replace("https", "http") + "keys = { P001 = 'a' }", "signers.p.url", "https://"),
        *(
            (f'[signers.a]\ntype = "pkcs11"\nuri = "{uri}"\npin_file = "pin"', f"signers.a.{key}", mend)
            for uri, key, mend in (
                ("seal.key", "uri", "For instance"),
                ("pkcs11:token=x?module-path=/m.so&pin-value=geheim", "uri", "change the PIN"),
                ("pkcs11:token=x?module-path=/m.so&pin-source=%7c/bin/geheim", "uri", "pin-source=…"),
                ("pkcs11:token=x?module-path=m.so", "uri", "module-path=…"),
                ("pkcs11:token=x;geheim=1?module-path=/m.so", "uri", "It may hold"),
                ("pkcs11:token=x", "uri", "PARAAF_PKCS11_MODULE"),
                ("pkcs11:token=x?module-path=/m.so&pin-source=file:/pin", "pin_file", "Leave one out"),
            )
        ),
        (f'{PROVIDER}keys = {{ P001 = "a", P002 = "a" }}', "signers.p.keys.P002", "their own"),
        ('[profiles.x]\nkind = "paper"\nsigner = "y"', "profiles.x.signer", "Remove"),
        (
            '[profiles.x]\nkind = "seal"\nlevel = "B-T"\ntimestampers = ["gone"]',
            "profiles.x.timestampers",
            "There are: development",
        ),
        ("[signers.a]", "signers.a.type", "file, pkcs11"),
        ('[signers.a]\ntype = "file"', "signers.a.key", "as a text"),
        ('[signers.a]\ntype = "file"\nkey = "k"\npin = "1234"', "signers.a.pin", "Remove"),
        ('[timestampers.a]\nurl = "ftp://x"', "timestampers.a.url", "https://"),
        ('[timestampers.development]\nurl = "http://x"', "timestampers.development.url", "limit, cool_down"),
        (f'{TSA}user = "me"', "timestampers.a.password_file", "both"),
        (f'{TSA}password_file = "pw"', "timestampers.a.user", "both"),
        (f'{TSA}user = "m:e"\npassword_file = "pw"', "timestampers.a.user", "colon"),
        (f'{TSA}password = "geheim"', "timestampers.a.password", "Remove"),
        (
            '[timestampers.a]\nurl = "http://tsa.example.org"\nuser = "me"\npassword_file = "pw"',
            "timestampers.a.url",
            "https://",
        ),
        (
            '[timestampers.a]\nurl = "https://me:geheim@tsa.example.org"',
            "timestampers.a.url",
            "password_file",
        ),
        (
            '[profiles.x]\nkind = "seal"\nlevel = "B-T"\ntimestampers = ["http://me:geheim@127.0.0.1/"]',
            "profiles.x.timestampers",
            "password_file",
        ),
        (f'{TSA}cool_down = "1m"', "timestampers.a.cool_down", "PT1M"),
        (f'{TSA}cool_down = "P1D"', "timestampers.a.cool_down", "PT1H"),
        *(
            (f'{TSA}limit = "{limit}"', "timestampers.a.limit", "20/PT20M")
            for limit in ("often", "20", "0/PT1M", "1001/PT1M", "-1/PT1M", "/PT1M", "2/1h", "2/P1M", "2/PT0S")
        ),
        ('[timestampers.development]\nlimit = "1/PT1M"', "timestampers.development.limit", "2 or more"),
        ('[minimum]\nletter = "B-B"', "minimum.letter", "There are: employer_declaration"),
        ('[minimum]\nemployer_declaration = "B-X"', "minimum.employer_declaration", "B-LTA"),
        ("trust = [1]", "trust", "paths"),
    ],
)
def test_a_refusal_names_file_key_and_mend(tmp_path: Path, text: str, key: str, mend: str) -> None:
    with pytest.raises(ProfileError) as refused:
        load_organisation(written(tmp_path, text), kinds=KINDS)
    assert "signing.toml" in str(refused.value)
    assert "geheim" not in f"{refused.value} {refused.value.hint}"
    assert repr(key) in str(refused.value)
    assert mend in refused.value.hint


def test_a_timestamper_says_how_it_wants_to_be_asked(tmp_path: Path) -> None:
    said = f'{TSA}user = "me"\npassword_file = "tsa.pass"\nlimit = "20/PT20M"\ncool_down = "PT90S"\n'
    plain = '[timestampers.b]\nurl = "http://localhost:1/"\n[timestampers.development]\nlimit = "5/P1DT1H"\n'
    (tmp_path / "tsa.pass").write_text("geheim\n")
    found = load_organisation(written(tmp_path, said + plain))
    a, b = found.timestampers
    assert (a.user, a.password_file, a.limit) == (
        "me",
        tmp_path / "tsa.pass",
        Limit(20, timedelta(minutes=20)),
    )
    assert (a.cool_down, b.cool_down) == (timedelta(seconds=90), COOL_DOWN)
    assert (b.user, b.limit) == ("", None)
    first = found.authorities("http://127.0.0.1:2/tsa")[0]
    assert (first.name, first.url) == ("development", "http://127.0.0.1:2/tsa")
    assert first.limit == Limit(5, timedelta(hours=25))
    assert "geheim" not in repr(found)


def test_a_module_that_the_environment_names_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, '[signers.a]\ntype = "pkcs11"\nuri = "pkcs11:token=x"\n')
    monkeypatch.setenv("PARAAF_PKCS11_MODULE", "/usr/lib/token.so")
    assert load_organisation(file).signers["a"] == KeyInToken("pkcs11:token=x", None, None)


def test_trust_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir()
    with pytest.raises(ProfileError, match=r"'trust' names .* twice"):
        load_organisation(written(tmp_path, 'trust = ["roots", "./roots/"]'))


def test_trust_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="roots"):
        load_organisation(written(tmp_path, 'trust = ["roots"]'))
