"""A batch says what it did not look at: folders that can't be listed, and links to folders."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.trust import TrustStore
from signing.verify.bulk import verify_paths
from signing.verify.report import Indication
from tests.vectors.stock import plain_pdf


def codes(folder: Path) -> dict[str, str]:
    reports = list(verify_paths([folder], TrustStore((), (), ()), now=datetime.now(UTC)))
    assert {report.indication for report in reports} <= {Indication.INDETERMINATE}
    return {Path(report.name).name: report.findings[0].code for report in reports}


def test_folders_that_nobody_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.pdf").write_bytes(plain_pdf())
    (tmp_path / "link").symlink_to(tmp_path / "open", target_is_directory=True)
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    listed = os.scandir

    def refused(path: str | Path) -> object:  # the superuser, who may run this, can list everything
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert codes(tmp_path) == {
        "a.pdf": "no_signature",
        "link": "folder_linked",
        "round": "folder_linked",
        "shut": "folder_unreadable",
    }
