"""`signing.toml` is changed where it has to be, and nowhere else."""

from pathlib import Path

import pytest

from signing.errors import ProfileError
from signing.signing_file import SigningFile, holders_without

HEAD = """# how we sign
trust = []            # none yet

[signers.old]         # until spring
type = 'file'
key = "old.p12"
[signers.new]
type = "file"
key = "new.p12"

"""
PROFILE = '[profiles.seal]\nkind = "seal"\nlevel = "B-B"   # as agreed\n'


def opened(folder: Path, profile: str = "", signer: str = "") -> SigningFile:
    file = folder / "signing.toml"
    file.write_text(f"{HEAD}{profile or PROFILE}{signer}")
    return SigningFile(file)


PLACED = {
    "none": ("", 'signer = "new"'),
    "one": ('signer = "old"', 'signer = ["old", "new"]'),
    "one, first": ('signer = "old"', 'signer = ["new", "old"]'),
    "list": ('signer = ["old"]  # one', 'signer = ["old", "new"]  # one'),
    "list, first": ('signer = ["old", "new"]', 'signer = ["new","old"]'),
    "lines": (
        'signer = [\n  "old",  # until spring\n]',
        'signer = [\n  "old",  # until spring\n  "new",\n]',
    ),
    "holders": (
        'signer = { A = "old", B = ["old"] }',
        'signer = { A = ["old", "new"], B = ["old", "new"] }',
    ),
    "holders, first of B": (
        'signer = { A = "old", B = "old" }',
        'signer = { A = "old", B = ["new", "old"] }',
    ),
    "holders, of C": ('signer = { A = "old" }', 'signer = { A = "old", C = "new"}'),
    "none, of A": ("", 'signer = {A = "new"}'),
    "table, of A": (
        '[profiles.seal.signer]\nA = "old"  # hers',
        '[profiles.seal.signer]\nA = ["old", "new"]  # hers',
    ),
}


@pytest.mark.parametrize("how", PLACED)
def test_a_signer_gets_its_place_and_nothing_else_changes(tmp_path: Path, how: str) -> None:
    (before, after), holder = PLACED[how], how[-1] if " of " in how else None
    file = opened(tmp_path, signer=f"{before}\n" if before else "")
    file.place("new", profile="seal", holder=holder, first="first" in how)
    assert file.text == f"{HEAD}{PROFILE}{after}\n"
    file.organisation(())  # and it can be read
    file.write()
    assert SigningFile(file.file).text == file.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('signer = ["old", "new"]  # two', 'signer = ["new"]  # two'),
        ('signer = { A = ["new", "old"], B = "new" }', 'signer = { A = ["new"], B = "new" }'),
    ],
)
def test_a_signer_is_taken_out_with_its_table(tmp_path: Path, before: str, after: str) -> None:
    file = opened(tmp_path, signer=f"{before}\n")
    file.take_out("old")
    assert file.text.endswith(f"{PROFILE}{after}\n")
    assert "old.p12" not in file.text
    assert [*file.organisation(()).signers] == ["new"]


def test_a_new_signer_comes_behind_the_others(tmp_path: Path) -> None:
    file = opened(tmp_path, signer='signer = "old"\n')
    file.add_signer("next", {"type": "file", "key": "keys/next.key"})
    assert [*file.organisation(()).signers] == ["old", "new", "next"]
    assert file.text.startswith(HEAD.rstrip("\n"))
    assert [line for line in file.changes if line.startswith("-")] == []


def test_a_file_that_is_not_there_is_begun(tmp_path: Path) -> None:
    file = SigningFile(tmp_path / "signing.toml")
    file.add_signer("next", {"type": "file", "key": "keys/next.key"})
    file.write()
    assert (tmp_path / "signing.toml").read_text() == '[signers.next]\ntype = "file"\nkey = "keys/next.key"\n'


def test_rights_and_links_stay(tmp_path: Path) -> None:
    real = opened(tmp_path, signer='signer = "old"\n').file
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    file = SigningFile(link)
    file.place("new", profile="seal", holder=None, first=False)
    file.write()
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert '["old", "new"]' in real.read_text()


def test_what_somebody_else_changed_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = opened(tmp_path, signer='signer = "old"\n')
    file.place("new", profile="seal", holder=None, first=False)
    file.file.write_text("# hers\n")
    with pytest.raises(ProfileError, match="changed meanwhile"):
        file.write()
    assert file.file.read_text() == "# hers\n"


@pytest.mark.parametrize(("profile", "holder"), [("approver", None), ("seal", "A")])
def test_what_the_file_does_not_say_can_not_be_changed(
    tmp_path: Path, profile: str, holder: str | None
) -> None:
    file = opened(tmp_path, signer='signer = "old"\n')
    with pytest.raises(ProfileError):
        file.place("new", profile=profile, holder=holder, first=False)


def test_who_would_have_none_left(tmp_path: Path) -> None:
    file = opened(tmp_path, signer='signer = { A = "old", B = ["old", "new"] }\n')
    organisation = file.organisation(())
    assert holders_without(organisation, "old") == [("seal", "A")]
    assert holders_without(organisation, "new") == []
