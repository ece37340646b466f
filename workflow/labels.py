"""What people call the names of the processes that come along: states, triggers, roles, events.

This file is long on purpose: it is the list. A definition of an organisation's own may use other names; those
are shown as they are, without their underscores.
"""

from collections.abc import Mapping
from typing import Final

from wording import mark

# As the definitions have them: titles and the long names of roles.
TITLES: Final = (
    mark("Employer declaration, on paper"),
    mark("Employer declaration, signed by a click"),
    mark("Employer declaration, signed at a provider's portal"),
    mark("Employer declaration, signed with a person's own key"),
    mark("Employer declaration, sealed by the organisation"),
    mark("Employer declaration, sealed after two releases"),
    mark("Team action plan"),
    mark("Team action plan, approved without a signature"),
)
ROLES: Final = (
    mark("Employee who needs the declaration"),
    mark("Manager of the employee"),
    mark("Back-office clerk"),
    mark("Signer for the employer"),
    mark("Releases the seal for the employer"),
    mark("Author of the plan"),
    mark("Leader who answers for the team"),
)
PROFILES: Final = (  # titles of the signing profiles
    mark("The approver's signature"),
    mark("Click to sign, with the organisation's seal"),
    mark("Signed elsewhere and imported"),
    mark("The organisation's seal"),
    mark("Paper: print, sign by hand, stamp, post"),
    mark("The person's own signature"),
    mark("No signature needed"),
)
DUTIES: Final[Mapping[str, str]] = {  # what somebody may be, whatever the process
    "employee": mark("Employee"),
    "manager": mark("Manager"),
    "clerk": mark("Back-office clerk"),
    "signer": mark("Signer"),
    "author": mark("Author of plans"),
    "leader": mark("Leader"),
    "auditor": mark("Auditor"),
    "administrator": mark("Administrator"),
}
PROCESSES: Final[Mapping[str, str]] = {
    "employer-declaration": mark("Employer declaration"),
    "team-action-plan": mark("Team action plan"),
}
VARIANTS: Final[Mapping[str, str]] = {
    "A0": mark("On paper"),
    "A1": mark("By a click"),
    "A2": mark("At a provider's portal"),
    "A3": mark("With a person's own key"),
    "A4": mark("With the organisation's seal"),
    "A4-DUAL": mark("With the organisation's seal, after two releases"),
    "N": mark("Approved, not signed"),
    "standard": mark("Signed by the approver"),
}
# A state is named by what is done in it, in a noun: that is what a column of a queue has room for.
STATES: Final[Mapping[str, str]] = {
    "request": mark("Filling in"),
    "manager": mark("Manager's part"),
    "review": mark("Review"),
    "rendering": mark("Document being made"),
    "printing": mark("Printing"),
    "wet_signature": mark("Signature on paper"),
    "second_wet_signature": mark("Manager's signature on paper"),
    "stamping": mark("Stamp"),
    "scanning": mark("Scan"),
    "posting": mark("Post"),
    "export": mark("Handing out the file"),
    "signed_elsewhere": mark("Signature elsewhere"),
    "sign": mark("Signature"),
    "countersign": mark("Manager's signature"),
    "sealing": mark("Document being signed"),
    "sealing_second": mark("Document being signed by the manager"),
    "delivering": mark("Delivery"),
    "delivered": mark("Delivered"),
    "withdrawn": mark("Withdrawn"),
    "draft": mark("Draft"),
    "approve": mark("Approval"),
    "running": mark("Running"),
    "closed": mark("Closed"),
}
RELEASES: Final[Mapping[str, str]] = {  # where a seal is released and nobody signs
    "sign": mark("Release of the seal"),
    "second_release": mark("Second release of the seal"),
    "countersign": mark("Manager's release"),
    "second_countersign": mark("Manager's second release"),
    "sealing": mark("Document being sealed"),
    "sealing_second": mark("Document being sealed again"),
}
# A trigger is what the button says.
TRIGGERS: Final[Mapping[str, str]] = {
    "submit": mark("Submit"),
    "withdraw": mark("Withdraw"),
    "approve": mark("Approve"),
    "return": mark("Return with a remark"),
    "sign": mark("Sign"),
    "release_seal": mark("Release the seal"),
    "printed": mark("It is printed"),
    "signed": mark("It is signed"),
    "stamped": mark("It is stamped"),
    "scanned": mark("Bring the scan"),
    "posted": mark("It is posted"),
    "exported": mark("Hand out the file"),
    "imported": mark("Bring the signed file"),
    "follow_up": mark("Note a follow-up"),
    "revise": mark("Revise the plan"),
    "close": mark("Close the plan"),
    "claim": mark("Claim"),
    "release": mark("Give back"),
    "start": mark("Start"),
    "suspend": mark("Suspend"),
    "resume": mark("Resume"),
    "save_draft": mark("Save the draft"),
    "repair": mark("Try again"),
}
OUTCOMES_OF_STEPS: Final[Mapping[str, str]] = {  # triggers that a program fires
    "rendered": mark("The document is made"),
    "signed": mark("The document is signed"),
    "delivered": mark("The document is delivered"),
    "failed": mark("It could not be done"),
}
EVENTS: Final[Mapping[str, str]] = {
    "request_submitted": mark("Handed in"),
    "request_advanced": mark("Moved on"),
    "request_returned": mark("Returned with a remark"),
    "request_withdrawn": mark("Withdrawn"),
    "task_claimed": mark("Claimed"),
    "task_released": mark("Given back"),
    "task_started": mark("Work started"),
    "draft_saved": mark("Draft saved"),
    "task_reminded": mark("Reminder sent"),
    "task_escalated": mark("Reported as waiting too long"),
    "request_suspended": mark("Suspended"),
    "request_resumed": mark("Resumed"),
    "document_rendered": mark("Document made"),
    "document_signed": mark("Document signed"),
    "document_exported": mark("Document handed out"),
    "document_imported": mark("Signed document brought back"),
    "document_scanned": mark("Sealed copy of the scan stored"),
    "document_delivered": mark("Document delivered"),
    "step_failed": mark("A step could not be done"),
    "incident_opened": mark("Incident opened"),
    "incident_resolved": mark("Incident resolved"),
    "substitute_named": mark("Substitute named"),
    "substitute_ended": mark("Substitution ended"),
    "password_set": mark("Password set"),
    "password_removed": mark("Password removed"),
    "passkey_added": mark("Passkey added"),
    "passkey_removed": mark("Passkey removed"),
    "codes_set_up": mark("One-time codes set up"),
    "codes_removed": mark("One-time codes removed"),
    "recovery_code_used": mark("Recovery code used"),
    "role_granted": mark("Role granted"),
    "role_ended": mark("Role ended"),
    "token_made": mark("Token made for a program"),
    "token_revoked": mark("Token of a program revoked"),
    "webhook_added": mark("Webhook added"),
    "webhook_removed": mark("Webhook removed"),
    "webhook_stopped": mark("Webhook stopped"),
    "personal_data_erased": mark("Personal data erased"),
    "request_destroyed": mark("Destroyed at the end of its term"),
    "document_renewed": mark("Archive timestamp renewed"),
    "hold_placed": mark("Hold placed: it must not be destroyed"),
    "hold_released": mark("Hold released"),
    "stray_files_removed": mark("Stray files removed"),
    "invented_past_begun": mark("Sample office: an invented past begins"),
    "people_removed": mark("People who have left removed"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "done": mark("Done"),
    "withdrawn": mark("Withdrawn"),
    "refused": mark("Refused"),
}
MILESTONES: Final[Mapping[str, str]] = {
    "requested": mark("Requested"),
    "approved": mark("Approved"),
    "signed": mark("Signed"),
    "delivered": mark("Delivered"),
}
STEPS: Final[Mapping[str, str]] = {
    "render": mark("Make the document"),
    "sign": mark("Sign the document"),
    "deliver": mark("Deliver the document"),
}
CONDITIONS: Final[Mapping[str, str]] = {  # on which a way on depends
    "permanent": mark("for a permanent contract"),
    "temporary": mark("for a temporary contract"),
    "flexible": mark("for a flexible contract"),
    "delivered": mark("once it was delivered"),
}
FAULTS: Final[Mapping[str, str]] = {  # what a check of the log finds
    "changed": mark("its text, or what stands beside it, was changed."),
    "removed": mark("events before it were removed."),
    "unchained": mark(
        "it does not follow the event before it: something was removed, inserted or rewritten."
    ),
    "cut": mark("the log ends before its head, or at another event."),
    "beyond-head": mark("it stands after the head of the log: it was not written by this office."),
    "body-changed": mark("its personal part was changed."),
    "body-missing": mark("its personal part is gone, and was not erased."),
    "body-uncalled": mark("it has a personal part of which it says nothing."),
    "body-due": mark("a person did it, and nothing says who."),
    "erased-untold": mark("its personal part was erased, and no event tells of that."),
    "unreadable": mark("the database can't give it out."),
    "not-canonical": mark("its text is not as this office writes it."),
    "impossible": mark("it can't follow the request's events before it."),
    "rows-differ": mark("a row of the tables is not what the events say."),
    "clock-back": mark("the clock was set back before it: a warning."),
    "anchor": mark("it is not the event that an anchor names."),
    "set-back": mark("a later state was anchored: the office was set back, or the end of its log cut off."),
    "proof": mark("the proof of its anchor does not hold."),
}
CHANNELS: Final[Mapping[str, str]] = {
    "person": mark("a person"),
    "program": mark("a program"),
    "system": mark("the system"),
}
FACTS: Final[Mapping[str, str]] = {
    "note": mark("Note"),
    "signed_by": mark("Signed by"),
    "signed_on": mark("Signed on"),
    "posted_on": mark("Posted on"),
}
ENTRIES: Final[Mapping[str, str]] = {  # what goes along with a command, beside data and facts
    "remark": mark("Remark"),
    "reason": mark("Reason"),
    "consent": mark("Consent"),
    "file": mark("File"),
    "proof": mark("Password"),
    "language": mark("Language of the document"),
    "reference": mark("Reference"),
    "variant": mark("How it is signed"),
    "seen_version": mark("Version seen"),
}
AREAS: Final[Mapping[str, str]] = {  # what is looked at of an office
    "folder": mark("Data folder"),
    "database": mark("Database"),
    "files": mark("Stored files"),
    "clock": mark("Clock"),
    "certificates": mark("Keys and certificates"),
    "calendars": mark("Calendars"),
    "people": mark("People"),
    "definitions": mark("Processes"),
    "work": mark("Work"),
    "anchors": mark("Anchors of the log"),
    "archives": mark("Archive timestamps"),
    "keeping": mark("What is kept"),
    "backup": mark("Backup"),
    "signing": mark("Signing"),
}
