"""A package of evidence as it is handed out: written, and judged as whoever gets it would judge it."""

from importlib.metadata import version
from typing import IO, TYPE_CHECKING, ClassVar

from workflow import evidence_package
from workflow.errors import WorkflowError
from workflow.evidence import gather
from workflow.evidence_check import PackageReport, check_package

if TYPE_CHECKING:
    from workflow.office import Office


class EvidenceRefused(WorkflowError):
    """The package that was made does not hold, so it is not handed out: the office's records are in doubt."""

    code: ClassVar[str] = "workflow-evidence-refused"
    impersonal: ClassVar[bool] = True


def hand_out(office: "Office", request_id: int, file: IO[bytes], *, with_bodies: bool) -> PackageReport:
    """Write the package of a request into an empty file, as of one moment, and say what its check found.

    The file stands at its beginning then. The authority's server has to run, for the seal. Raises NotFound,
    NotAnchoredYet, NothingToShow, SigningError, EvidenceRefused for one that does not hold.
    """
    with office.store.read() as session:
        evidence = gather(session, office.blobs, request_id)
        evidence_package.write(
            office, session, evidence, file, release=version("paraaf"), with_bodies=with_bodies
        )
    file.seek(0)
    report = check_package(file, office.trust, now=office.clock())
    if report.findings:
        first = report.findings[0]
        raise EvidenceRefused(
            f"The evidence does not hold: {first.member}: {first.message}",
            hint="Run `paraaf log verify` and `paraaf blobs scrub`: somebody may have changed what is kept.",
        )
    file.seek(0)
    return report
