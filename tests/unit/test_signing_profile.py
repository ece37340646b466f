"""Signing profiles: the packaged ones, one in a file, and what is refused."""

from pathlib import Path

import pytest

from signing.errors import ProfileError
from signing.profile import Level, packaged_profiles, parse_profile

UNSIGNED = {"paper", "elsewhere", "unsigned"}
PACKAGED = {*UNSIGNED, "click-seal", "qualified-remote", "organisation-seal", "approver"}


def test_the_packaged_profiles_are_there() -> None:
    profiles = packaged_profiles()
    assert set(profiles) == PACKAGED
    assert {name for name, profile in profiles.items() if not profile.signs} == UNSIGNED
    assert [name for name, profile in profiles.items() if profile.is_unsigned] == ["unsigned"]
    assert profiles["qualified-remote"].level is Level.B_LTA
    assert profiles["click-seal"].level is Level.B_LT


def test_a_profile_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "board.toml").write_text(
        'kind = "seal"\nlevel = "B-T"\ndigest = "sha384"\ntimestampers = ["https://tsa.example/"]\n'
        'key_usage = ["content_commitment"]\nlocation = "Voorbeeldstad"\nvisible = false\n'
    )
    board = parse_profile("board", tmp_path / "board.toml")
    assert (board.level, board.digest, board.timestampers) == (
        Level.B_T,
        "sha384",
        ("https://tsa.example/",),
    )
    assert (board.key_usage, board.visible) == ({"content_commitment"}, False)


@pytest.mark.parametrize(
    ("text", "key", "mend"),
    [
        ("", "kind", "person"),
        ('kind = "pencil"', "kind", "person"),
        ('kind = "seal"', "level", "B-B"),
        ('kind = "seal"\nlevel = "B-X"', "level", "B-LTA"),
        ('kind = "seal"\nlevel = "B-T"', "timestampers", "at least one"),
        ('kind = "seal"\nlevel = "B-B"\ntimestampers = "x"', "timestampers", "a list"),
        ('kind = "seal"\nlevel = "B-B"\ntimestampers = [1]', "timestampers", "names or URLs"),
        ('kind = "seal"\nlevel = "B-B"\ndigest = "md5"', "digest", "sha256"),
        ('kind = "seal"\nlevel = "B-B"\nkey_usage = ["all"]', "key_usage", "digital_signature"),
        ('kind = "seal"\nlevel = "B-B"\nvisible = "yes"', "visible", "true or false"),
        ('kind = "seal"\nlevel = "B-B"\nreson = "x"', "reson", "Remove"),
        ('kind = "paper"\nlevel = "B-B"', "level", "Remove"),
        ('kind = "none"\nlevel = "B-B"', "level", "Remove"),
        ('kind = "none"\nsigner = "x"', "signer", "Remove"),
    ],
)
def test_a_refusal_names_file_key_and_mend(tmp_path: Path, text: str, key: str, mend: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ProfileError) as refused:
        parse_profile("own", tmp_path / "own.toml")
    assert "own.toml" in str(refused.value)
    assert repr(key) in str(refused.value)
    assert mend in refused.value.hint


@pytest.mark.parametrize("data", [b"kind = ", b"\xff\xfe", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "own.toml").write_bytes(data)
    with pytest.raises(ProfileError, match=r"own\.toml: not a readable TOML"):
        parse_profile("own", tmp_path / "own.toml")


def test_levels_are_ordered() -> None:
    assert [level for level in Level if level.reaches(Level.B_LT)] == [Level.B_LT, Level.B_LTA]
