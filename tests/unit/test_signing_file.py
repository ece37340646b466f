"""`signing.toml` is changed where it has to be, and nowhere else."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from disk import locked_folder, whole_file
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
    owner = (4711, 4712) if os.geteuid() == 0 else (os.geteuid(), os.getgroups()[0])
    os.chown(real, *owner)
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    file = SigningFile(link)
    file.place("new", profile="seal", holder=None, first=False)
    file.write()
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert (real.stat().st_uid, real.stat().st_gid) == owner
    assert '["old", "new"]' in real.read_text()


def test_what_somebody_else_changed_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = opened(tmp_path, signer='signer = "old"\n')
    file.place("new", profile="seal", holder=None, first=False)
    file.file.write_text("# hers\n")
    with pytest.raises(ProfileError, match="changed meanwhile"):
        file.write()
    assert file.file.read_text() == "# hers\n"


def test_of_two_who_write_at_once_the_second_is_refused(tmp_path: Path) -> None:
    file = opened(tmp_path, signer='signer = "old"\n')
    file.place("new", profile="seal", holder=None, first=False)
    with ThreadPoolExecutor(1) as pool:
        with locked_folder(tmp_path, patience_s=0.0):  # another command is at it
            writing = pool.submit(file.write)
            with pytest.raises(TimeoutError):
                writing.result(0.2)
            with whole_file(file.file, replace=True) as theirs:
                theirs.write(b"# theirs\n")
        with pytest.raises(ProfileError, match="changed meanwhile"):
            writing.result(20)
    assert file.file.read_text() == "# theirs\n"


def test_a_file_begun_by_somebody_else_meanwhile_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = SigningFile(tmp_path / "signing.toml")
    file.add_signer("next", {"type": "file", "key": "keys/next.key"})
    monkeypatch.setattr(Path, "exists", lambda _: False)  # an editor, which knows of no lock, is later still
    file.file.write_text("# hers\n")
    with pytest.raises(ProfileError, match="changed meanwhile"):
        file.write()
    assert file.file.read_text() == "# hers\n"


def test_whose_it_is_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(tmp_path, signer='signer = "old"\n')
    file.file.chmod(0o640)
    given: list[tuple[int, int]] = []

    def owned(self: Path, **how: Any) -> os.stat_result:
        return os.stat_result((*os.stat(self, **how)[:4], 4711, 4712, *os.stat(self, **how)[6:]))  # noqa: PTH116

    def give(_: int, user: int, group: int) -> None:
        if user != -1:
            raise PermissionError
        given.append((user, group))

    monkeypatch.setattr(Path, "stat", owned)
    monkeypatch.setattr(os, "fchown", give)
    file.place("new", profile="seal", holder=None, first=False)
    file.write()
    assert given == [(-1, 4712)]  # who may not give it away, leaves it to the group
    assert os.stat(file.file).st_mode & 0o777 == 0o640  # noqa: PTH116


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
