"""A scan of what was signed on paper becomes a copy under the organisation's seal."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from certs.keystore import common_name, is_development
from documents.copies import cover_words
from documents.stamp import stamp_lines
from documents.words import words_in
from signing.scans import SEAL_BOX, SEAL_FIELD, SEALED_COPY, Scan, copy_of
from signing.stamp import Appearance
from workflow.calendar import CALENDARS
from workflow.definition_model import Definition
from workflow.judge import office_day
from workflow.key_limits import take_one
from workflow.reading import RequestView

if TYPE_CHECKING:
    from workflow.office import Office

SEAL_PROFILE = "organisation-seal"
"""Under it copies of scans are sealed."""


async def sealed_copy(office: "Office", view: RequestView, definition: Definition, scan: Scan) -> bytes:
    """The copy of a request's document, in its language, under the seal of the employer whom it names.

    Raises SigningError, KeyLimitReached. The authority's server has to run.
    """
    from signing.composition import NewField  # noqa: PLC0415  where it signs: takes long to import
    from signing.pades import sign_pdf  # noqa: PLC0415

    named = view.data.get("employer")
    employer = str(named["name"]) if isinstance(named, Mapping) and named.get("name") else None
    profile = replace(office.profiles[SEAL_PROFILE], reason=SEALED_COPY)
    keys = office.keys()
    signer = keys.signer(
        profile,
        person_id="",
        person_name="",
        organisation=employer or office.employer_of(view.requester_id),
    )
    now = office.clock()
    if (limit := keys.limit_of(signer)) is not None:
        take_one(office.store, limit, now, CALENDARS[definition.calendar].zone, by_hand=True)
    words = words_in(view.language)
    taken_on = office_day(definition, now)
    said = cover_words(words, number=scan.number, pages=len(scan.pages), taken_on=taken_on)
    certificate = signer.certificate
    lines = stamp_lines(
        words,
        organisation=common_name(certificate),
        at=now,
        level=str(profile.level),
        development=is_development(certificate),
    )
    async with office.desk() as desk:
        finished = await sign_pdf(
            desk,
            copy_of(scan, said),
            signer=signer,
            profile=profile,
            claimed_at=now,
            new_field=NewField(SEAL_FIELD, page=0, box=SEAL_BOX, label=said.seal),
            appearance=Appearance((*lines[:1], said.seal, *lines[1:])),
        )
    return finished.pdf
