"""Everything a verification may notice: one closed table, each entry with its weight and its subject."""

from dataclasses import dataclass, field
from enum import StrEnum

from signing.verify.words import ENGLISH, Values, Words


class Weight(StrEnum):
    """What a finding does to the indication."""

    FAILS = "fails"  # TOTAL-FAILED
    PREVENTS = "prevents"  # INDETERMINATE
    REMARK = "remark"  # passes, but is never "authentic as issued"
    NOTE = "note"  # said for the record


class Subject(StrEnum):
    """What a finding is about; chooses the sentence for people."""

    CONTENT = "content"  # is this what was signed?
    TRUST = "trust"  # by whom, when, and may that be believed?
    READING = "reading"  # could the file be read and judged at all?


@dataclass(frozen=True)
class Kind:
    """The constant part of a finding; `sub_indication` is a word of ETSI EN 319 102-1 where one fits."""

    weight: Weight
    subject: Subject
    sub_indication: str | None = None


_FAILS, _PREVENTS, _REMARK, _NOTE = Weight
_CONTENT, _TRUST, _READING = Subject

KINDS: dict[str, Kind] = {
    # the file as a whole
    "file_not_found": Kind(_PREVENTS, _READING),
    "file_empty": Kind(_PREVENTS, _READING),
    "file_too_large": Kind(_PREVENTS, _READING),
    "file_not_pdf": Kind(_PREVENTS, _READING),
    "file_truncated": Kind(_PREVENTS, _READING),
    "file_encrypted": Kind(_PREVENTS, _READING),
    "file_unreadable": Kind(_PREVENTS, _READING),
    "folder_without_pdf": Kind(_PREVENTS, _READING),
    "folder_unreadable": Kind(_PREVENTS, _READING),
    "folder_linked": Kind(_PREVENTS, _READING),
    "archive_unreadable": Kind(_PREVENTS, _READING),
    "archive_without_pdf": Kind(_PREVENTS, _READING),
    "reading_stopped": Kind(_PREVENTS, _READING),
    "too_many_signatures": Kind(_PREVENTS, _READING),
    "too_many_revisions": Kind(_PREVENTS, _READING),
    "too_many_entries": Kind(_PREVENTS, _READING),
    "read_leniently": Kind(_PREVENTS, _READING),
    "signed_part_unreadable": Kind(_PREVENTS, _READING),
    "no_signature": Kind(_PREVENTS, _READING),
    "signature_unreachable": Kind(_PREVENTS, _READING, "SIGNED_DATA_NOT_FOUND"),
    "only_timestamps": Kind(_PREVENTS, _READING),
    "signature_field_empty": Kind(_NOTE, _TRUST),
    # what the office's own register says
    "register_issued": Kind(_NOTE, _TRUST),
    "register_earlier": Kind(_REMARK, _TRUST),
    "register_unsigned": Kind(_REMARK, _TRUST),
    "register_copy": Kind(_REMARK, _TRUST),
    "register_destroyed": Kind(_NOTE, _TRUST),
    "register_extended": Kind(_REMARK, _TRUST),
    "register_contradicted": Kind(_REMARK, _TRUST),
    "register_withdrawn": Kind(_REMARK, _TRUST),
    "register_unasked": Kind(_NOTE, _TRUST),
    "register_signer_missing": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "register_signer_unexpected": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    # what was signed
    "digest_differs": Kind(_FAILS, _CONTENT, "HASH_FAILURE"),
    "signature_value_wrong": Kind(_FAILS, _CONTENT, "SIG_CRYPTO_FAILURE"),
    "byte_range_odd": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "bytes_after_end": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "page_looks_otherwise": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "changed_after_signing": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "update_malformed": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "reference_filled_later": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "form_filled_after_signing": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "locked_field_changed": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "certification_violated": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "visible_field_added": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "field_redrawn": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "comment_shows": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "field_added": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "page_not_compared": Kind(_REMARK, _TRUST),
    "form_filled_as_permitted": Kind(_REMARK, _TRUST),
    "commented_as_permitted": Kind(_REMARK, _TRUST),
    "reference_dangling": Kind(_REMARK, _TRUST),
    "active_content": Kind(_REMARK, _TRUST),
    "annotation_shown_otherwise": Kind(_REMARK, _TRUST),
    "signature_timestamp_missing": Kind(_REMARK, _TRUST),
    "claimed_later": Kind(_REMARK, _TRUST),
    "metadata_changed": Kind(_REMARK, _TRUST),
    "validation_data_uncovered": Kind(_REMARK, _TRUST),
    "end_uncovered": Kind(_PREVENTS, _TRUST),
    # the signature's own container
    "cms_unreadable": Kind(_FAILS, _CONTENT, "FORMAT_FAILURE"),
    "signature_unreadable": Kind(_PREVENTS, _READING, "SIG_CONSTRAINTS_FAILURE"),
    "format_obsolete": Kind(_PREVENTS, _READING, "SIG_CONSTRAINTS_FAILURE"),
    "format_unsupported": Kind(_PREVENTS, _READING, "SIG_CONSTRAINTS_FAILURE"),
    "contents_not_canonical": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "contents_padding_used": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "cms_not_der": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "cms_in_ber": Kind(_REMARK, _TRUST),
    "cms_inconsistent": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "certificate_unplaced": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "unsigned_attribute_unknown": Kind(_REMARK, _TRUST),
    "certificate_not_named": Kind(_REMARK, _TRUST),
    "not_pades": Kind(_NOTE, _TRUST),
    "timestamp_mistyped": Kind(_REMARK, _TRUST),
    # who, when, and may it be believed
    "signer_revoked": Kind(_FAILS, _TRUST, "REVOKED"),
    "certificate_began_later": Kind(_FAILS, _TRUST, "NOT_YET_VALID"),
    "chain_unknown": Kind(_PREVENTS, _TRUST, "NO_CERTIFICATE_CHAIN_FOUND"),
    "service_withdrawn": Kind(_PREVENTS, _TRUST, "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"),
    "not_yet_signed": Kind(_PREVENTS, _TRUST, "TRY_LATER"),
    "revocation_unknown": Kind(_PREVENTS, _TRUST, "TRY_LATER"),
    "revoked_time_unproven": Kind(_PREVENTS, _TRUST, "REVOKED_NO_POE"),
    "expired": Kind(_PREVENTS, _TRUST, "OUT_OF_BOUNDS_NO_POE"),
    "algorithm_weak": Kind(_PREVENTS, _TRUST, "CRYPTO_CONSTRAINTS_FAILURE"),
    "key_usage_wrong": Kind(_PREVENTS, _TRUST, "CHAIN_CONSTRAINTS_FAILURE"),
    "not_validated": Kind(_PREVENTS, _TRUST, "GENERIC"),
    "timestamp_invalid": Kind(_PREVENTS, _TRUST, "SIG_CONSTRAINTS_FAILURE"),
    "timestamp_order": Kind(_PREVENTS, _TRUST, "TIMESTAMP_ORDER_FAILURE"),
    "revocation_aged": Kind(_NOTE, _TRUST),
    "development_certificate": Kind(_NOTE, _TRUST),
    "online_unanswered": Kind(_NOTE, _TRUST),
    "trusted_lists_unused": Kind(_NOTE, _TRUST),
    "findings_left_out": Kind(_NOTE, _READING),
}


@dataclass(frozen=True)
class Finding:
    """One thing noticed. `text` continues a sentence: lower case, no full stop; its places are filled with
    `values` when it is told. `detail` is for specialists, in English or in the words of who stumbled.
    """

    code: str
    text: str
    detail: str = ""
    sub_indication_override: str | None = None
    values: Values = field(default_factory=dict, hash=False)

    @property
    def message(self) -> str:
        """What is said, in English."""
        return self.told(ENGLISH)

    def told(self, words: Words) -> str:
        """What is said, in a language."""
        return words.text(self.text, **self.values)

    @property
    def kind(self) -> Kind:
        """Weight, subject and sub-indication of this finding's code."""
        return KINDS[self.code]

    @property
    def weight(self) -> Weight:
        """What the finding does to the indication."""
        return self.kind.weight

    @property
    def sub_indication(self) -> str | None:
        """The validator's own word when it gave one, otherwise the table's."""
        return self.sub_indication_override or self.kind.sub_indication

    def as_dict(self, words: Words = ENGLISH) -> dict[str, str | None]:
        """Stable keys for JSON; the message in a language."""
        return {
            "code": self.code,
            "weight": self.weight.value,
            "sub_indication": self.sub_indication,
            "message": self.told(words),
            "detail": self.detail,
        }
