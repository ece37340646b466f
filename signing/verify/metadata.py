"""XMP metadata as (path, value) pairs, so that two packets can be compared by what they say.

Programs write the same packet in many ways (attributes or elements, one rdf:Description or several). Left out
is what every program stamps anew. Source: ISO 16684-1, 7.
"""

from collections.abc import Iterator
from xml.etree import ElementTree

Pair = tuple[str, str]

_RDF, _XMP = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://ns.adobe.com/xap/1.0/}"
_PDF, _MM = "{http://ns.adobe.com/pdf/1.3/}", "{http://ns.adobe.com/xap/1.0/mm/}"
_META = "{adobe:ns:meta/}"
_TOOLS = frozenset(
    {f"{_XMP}ModifyDate", f"{_XMP}MetadataDate", f"{_XMP}CreatorTool", f"{_PDF}Producer"}
    | {f"{_MM}DocumentID", f"{_MM}InstanceID", f"{_MM}OriginalDocumentID", f"{_MM}VersionID"}
)
_FRAME = frozenset({f"{_META}xmpmeta", f"{_RDF}RDF", f"{_RDF}Description"})  # say nothing themselves
_UNTOLD = frozenset({f"{_META}xmptk", f"{_RDF}about", f"{_RDF}parseType"})
_DEEPEST = 64


def metadata_pairs(packet: bytes) -> list[Pair]:
    """What a packet says, sorted; a packet that can't be read says its own bytes."""
    try:
        if b"<!" in packet.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
            raise ValueError("entities")  # a few bytes could stand for any number of them
        root = ElementTree.fromstring(packet.strip(b"\0\t\n\r "))  # noqa: S314 (no entities are left)
        return sorted(_pairs(root, "", 0))
    except (ElementTree.ParseError, ValueError, LookupError):
        return [("", packet.decode("latin-1"))]


def _pairs(element: ElementTree.Element, above: str, depth: int) -> Iterator[Pair]:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    path = above if element.tag in _FRAME and depth < 3 else f"{above}/{element.tag}"
    for name, value in element.attrib.items():
        if name not in _UNTOLD and not (depth == 2 and name in _TOOLS):
            yield (
                f"{path}/{name}" if not name.startswith("{http://www.w3.org/XML/") else f"{path}@{name}",
                value,
            )
    if element.text and element.text.strip():
        yield path, element.text.strip()
    for number, child in enumerate(element):
        if not (depth == 2 and child.tag in _TOOLS and not len(child) and not child.attrib):
            place = f"{path}[{number}]" if child.tag == f"{_RDF}li" else path
            yield from _pairs(child, place, depth + 1)
        if child.tail and child.tail.strip():
            yield path, child.tail.strip()
