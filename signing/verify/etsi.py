"""A report as ETSI TS 119 102-2 V1.2.1 has it, for programs that read other validators' reports too.

One SignatureValidationReport for each signature and document timestamp, in the order of the file. What the
standard leaves room for is used: findings are individual validation constraints, named by a URN of our own,
and the sentence for people stands with the document as a whole. Certificates and the document are referred
to by their SHA-256. The report is not signed by itself: seal the file that it is handed over with.
"""

import base64
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import datetime

from signing.verify.findings import Finding, Weight
from signing.verify.report import Indication, Report, Role, SignatureReport, hidden, iso, json_escaped

NAMESPACE = "http://uri.etsi.org/19102/v1.2.1#"
_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_FINDING = "urn:paraaf:finding:"
_LEVEL = "urn:paraaf:level:"
_MAIN = {
    Indication.PASSED: "urn:etsi:019102:mainindication:total-passed",
    Indication.INDETERMINATE: "urn:etsi:019102:mainindication:indeterminate",
    Indication.FAILED: "urn:etsi:019102:mainindication:total-failed",
}
_SUB = "urn:etsi:019102:subindication:"
_PROCESS = "urn:etsi:019102:validationprocess:LTA"
_CERTIFICATE, _SIGNED_DATA = (
    f"urn:etsi:019102:validationObject:{kind}" for kind in ("certificate", "signedData")
)
_PROVEN = "urn:etsi:019102:poetype:validation"
_APPLIED = "urn:etsi:019102:constraintStatus:applied"

ET.register_namespace("", NAMESPACE)
ET.register_namespace("ds", _DSIG)


def etsi_report(report: Report) -> bytes:
    """The XML of one file's report, UTF-8. A file without a signature gets one report that says why."""
    root = ET.Element(_tag("ValidationReport"))
    for place, signature in enumerate(report.signatures):
        _signature(root, report, signature, place)
    if not report.signatures:
        _nothing(root, report)
    if report.sha256_hex is not None:
        _objects(root, report)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    child = ET.SubElement(parent, _tag(name))
    if text is not None:
        child.text = _clean(text)
    return child


def _clean(text: str) -> str:
    """Text that XML can hold, and that a reader sees as it is."""
    return "".join(json_escaped(character) if hidden(character) else character for character in text)


def _signature(root: ET.Element, report: Report, signature: SignatureReport, place: int) -> None:
    one = _add(root, "SignatureValidationReport")
    identifier = _add(one, "SignatureIdentifier")
    identifier.set("id", f"signature-{place + 1}")
    _add(identifier, "HashOnly", "false")
    _add(identifier, "DocHashOnly", "false")
    if signature.field:
        _add(identifier, "DAIdentifier", signature.field)
    _constraints(one, (*signature.findings, *report.findings))
    _times(one, report, signature)
    if report.sha256_hex is not None:
        document = _add(one, "SignersDocument")
        _digest(document, report.sha256_hex)
        _reference(document, "SignersDocumentRepresentation", "document")
    _attributes(one, signature)
    if signature.certificate_sha256 is not None:
        signer = _add(one, "SignerInformation")
        _reference(signer, "SignerCertificate", _certificate_id(signature))
        if signature.signer:
            _add(signer, "Signer", signature.signer)
    if signature.level is not None:
        quality = _add(one, "SignatureQuality")
        _add(quality, "SignatureQualityInformation", f"{_LEVEL}{signature.level}")
    _add(_add(one, "SignatureValidationProcess"), "SignatureValidationProcessID", _PROCESS)
    _status(one, signature.indication, signature.sub_indication)


def _nothing(root: ET.Element, report: Report) -> None:
    one = _add(root, "SignatureValidationReport")
    _constraints(one, report.findings)
    _times(one, report, None)
    _status(one, report.indication, report.sub_indication)


def _constraints(one: ET.Element, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    evaluation = _add(one, "ValidationConstraintsEvaluationReport")
    for finding in findings:
        constraint = _add(evaluation, "ValidationConstraint")
        _add(constraint, "ValidationConstraintIdentifier", f"{_FINDING}{finding.code}")
        parameter = _add(constraint, "ValidationConstraintParameter")
        _add(parameter, "Type", f"{_FINDING}message")
        _add(parameter, "Value", ": ".join(part for part in (finding.message, finding.detail) if part))
        _add(_add(constraint, "ConstraintStatus"), "Status", _APPLIED)
        if finding.weight in (Weight.FAILS, Weight.PREVENTS):
            indication = Indication.FAILED if finding.weight is Weight.FAILS else Indication.INDETERMINATE
            status = _add(constraint, "ValidationStatus")
            _add(status, "MainIndication", _MAIN[indication])
            if finding.sub_indication:
                _add(status, "SubIndication", f"{_SUB}{finding.sub_indication}")


def _times(one: ET.Element, report: Report, signature: SignatureReport | None) -> None:
    info = _add(one, "ValidationTimeInfo")
    _add(info, "ValidationTime", iso(report.validation_time))
    proven = signature.proven_at if signature is not None else None
    best = _add(info, "BestSignatureTime")
    _add(best, "POETime", iso(proven or report.validation_time))
    _add(best, "TypeOfProof", _PROVEN)


def _attributes(one: ET.Element, signature: SignatureReport) -> None:
    attributes = ET.Element(_tag("SignatureAttributes"))
    _timed(attributes, "SigningTime", "Time", signature.claimed_at, signed=True)
    if signature.role is Role.TIMESTAMP:
        _timed(attributes, "DocTimeStamp", "TimeStampValue", signature.proven_at, signed=False)
    for name, text in (("Reason", signature.reason), ("SubFilter", signature.format)):
        if text:
            _add(_add(attributes, name), f"{name}Element", text)
    if len(attributes):
        one.append(attributes)


def _timed(attributes: ET.Element, name: str, inner: str, moment: datetime | None, *, signed: bool) -> None:
    if moment is not None:
        attribute = _add(attributes, name)
        attribute.set("Signed", "true" if signed else "false")
        _add(attribute, inner, iso(moment))


def _status(one: ET.Element, indication: Indication, sub_indication: str | None) -> None:
    status = _add(one, "SignatureValidationStatus")
    _add(status, "MainIndication", _MAIN[indication])
    if sub_indication:
        _add(status, "SubIndication", f"{_SUB}{sub_indication}")


def _objects(root: ET.Element, report: Report) -> None:
    """The document, with what is said of it as a whole, and the signers' certificates."""
    objects = _add(root, "SignatureValidationObjects")
    document = _object(objects, "document", _SIGNED_DATA, str(report.sha256_hex))
    told = _add(_add(document, "ValidationReport"), "SignatureValidationStatus")
    _add(told, "MainIndication", _MAIN[report.indication])
    if report.sub_indication:
        _add(told, "SubIndication", f"{_SUB}{report.sub_indication}")
    data = _add(_add(told, "AssociatedValidationReportData"), "AdditionalValidationReportData")
    for name, value in (
        ("file", report.name),
        ("verdict", report.verdict.value),
        ("sentence", report.sentence),
    ):
        row = _add(data, "ReportData")
        _add(row, "Type", f"urn:paraaf:{name}")
        _add(row, "Value", value)
    certificates = {
        _certificate_id(signature): signature.certificate_sha256
        for signature in report.signatures
        if signature.certificate_sha256 is not None
    }
    for name, sha256_hex in certificates.items():
        _object(objects, name, _CERTIFICATE, str(sha256_hex))


def _object(objects: ET.Element, name: str, kind: str, sha256_hex: str) -> ET.Element:
    one = _add(objects, "ValidationObject")
    one.set("id", name)
    _add(one, "ObjectType", kind)
    _digest(_add(one, "ValidationObjectRepresentation"), sha256_hex)
    return one


def _digest(parent: ET.Element, sha256_hex: str) -> None:
    both = _add(parent, "DigestAlgAndValue")
    ET.SubElement(both, f"{{{_DSIG}}}DigestMethod").set("Algorithm", _SHA256)
    value = ET.SubElement(both, f"{{{_DSIG}}}DigestValue")
    value.text = base64.b64encode(bytes.fromhex(sha256_hex)).decode("ascii")


def _reference(parent: ET.Element, name: str, to: str) -> None:
    _add(parent, name).set("VOReference", to)


def _certificate_id(signature: SignatureReport) -> str:
    return f"certificate-{str(signature.certificate_sha256)[:16]}"
