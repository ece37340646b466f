"""Files cut at their seams: what two of them begin with alike."""

from pathlib import Path

import pytest

from signing.verify.seams import Beginning, Seamless, _Knife, common_beginning, cut

PDF = (Path(__file__).parent.parent / "vectors" / "layouts" / "now_b_lt.pdf").read_bytes()


def test_what_files_begin_with_ends_before_the_first_signature() -> None:
    found = common_beginning(PDF, PDF + b"\n")
    assert found is not None
    assert len(found.data) <= PDF.index(b"/ByteRange")
    assert cut(PDF, found) == cut(PDF)


def test_a_beginning_with_a_signature_is_refused() -> None:
    """Its texts and its range would be taken for those of every file that begins so."""
    end = PDF.index(b"endobj", PDF.index(b"/ByteRange")) + len(b"endobj\n")
    with pytest.raises(Seamless, match="a signature"):
        Beginning(PDF[:end], (), _Knife(PDF[:end]))
    knife = _Knife(PDF)
    knife.signatures += cut(PDF).signatures
    with pytest.raises(Seamless, match="a signature"):
        Beginning(PDF[:5000], (), knife)
