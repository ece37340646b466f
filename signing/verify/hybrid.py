"""Files with an index for older programs and another one for newer: word processors write them.

The table calls some objects free, and a stream that only newer programs read (since PDF 1.5 of 2003) says
where they are. All programs of today read both, so that is no harm, as long as no object has two versions.
Source: ISO 32000-2, 7.5.8.4.
"""

from dataclasses import replace
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType


def accept_hybrids(reader: PdfFileReader) -> None:
    """Have pyHanko validate signatures in such a file: it refuses all of them when it reads strictly.

    Raises ValueError when a stream lists an object that something else lists too.
    """
    sections = reader.xrefs._xref_sections  # noqa: SLF001 (pyHanko has no word for this)
    hidden: set[int] = set()
    for data in (section.xref_data.hybrid.xref_data for section in sections if section.xref_data.hybrid):
        if hidden & _numbers(data):
            raise ValueError("hybrid cross-references that list an object twice")
        hidden |= _numbers(data)
    if any(hidden & _numbers(section.xref_data) for section in sections):
        raise ValueError("hybrid cross-references that list an object twice")
    for place, section in enumerate(sections):
        if section.meta_info.xref_section_type is XRefSectionType.HYBRID_MAIN:
            told = replace(section.meta_info, xref_section_type=XRefSectionType.STANDARD)
            sections[place] = replace(section, meta_info=told)


def _numbers(data: Any) -> set[int]:
    """Numbers of the objects that a section says are in use."""
    return {*data.standard_xrefs, *data.xrefs_in_objstm}
