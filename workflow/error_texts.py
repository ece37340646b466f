"""What a page says of an error: what has happened, and what the person can do about it there.

An error's own hint may name a command; who works with pages has none. What is empty is the error's own, where
that is a sentence that can be told in other languages, and the error's own hint goes before the one here,
where that is one. Numbers such as `{after_s}` are the error's too.
"""

from collections.abc import Mapping
from typing import Final

from wording import mark

_AGAIN = mark("Wait a little, then try again. If it lasts, tell whoever runs the office.")
_TELL = mark("Tell whoever runs the office.")
_LOOK = mark("Look at the request again, then decide.")
_PROVIDER = mark("Nothing of this was signed. Try again; if it lasts, ask the provider.")
_DATABASE = mark("The office's records can't be reached now.")
_FILE = mark("A stored file can't be read or written.")
_KEY = mark("The key that signs here can't be used now.")

UNKNOWN: Final = (mark("This could not be done ({code})."), _TELL)
ERRORS: Final[Mapping[str, tuple[str, str]]] = {
    "workflow-refused": ("", mark("Settle what is named and try again.")),
    "workflow-claimed": ("", ""),
    "workflow-stale": (mark("The request has changed since you looked at it."), _LOOK),
    "workflow-raced": (mark("The request has moved on meanwhile."), _LOOK),
    "workflow-key-reused": (
        mark("This form was sent before, with something else in it."),
        mark("Look at the request: the first may be done. If it is not, open the page anew."),
    ),
    "workflow-answer-unreadable": (
        mark("Whether this was done before can't be read any more."),
        mark("Look at the request, and tell whoever runs the office."),
    ),
    "workflow-not-found": (
        mark("There is no such request, or it is not for you to see."),
        mark("Look for it in the list of your requests."),
    ),
    "workflow-evidence-refused": (
        mark("The evidence package does not hold, so it is not handed out."),
        _TELL,
    ),
    "workflow-substitution": ("", mark("Mend what is named, or ask an administrator.")),
    "workflow-contended": (mark("Others were changing the same. Nothing was done."), mark("Send it again.")),
    "workflow-store": (_DATABASE, _AGAIN),
    "workflow-store-outdated": (_DATABASE, _TELL),
    "workflow-restore-unfinished": (_DATABASE, _TELL),
    "workflow-wrong-office": (_DATABASE, _TELL),
    "workflow-definition-missing": (mark("The process of this request is not at hand."), _TELL),
    "workflow-log-refused": (mark("It could not be recorded, so it was not done."), _TELL),
    "workflow-log-form": (mark("What was sent can't be recorded."), mark("Type it anew.")),
    "workflow-no-worker": (
        mark("No program takes up automatic steps now: they wait."),
        _TELL,
    ),
    "workflow-not-authenticated": (
        mark("This person has no such password."),
        mark("Type it again. Who has forgotten it asks an administrator for another."),
    ),
    "workflow-password-given": (
        mark("This password was given by somebody else, who knows it: it shows nobody who you are."),
        mark("Choose your own first."),
    ),
    "workflow-password": ("", ""),
    "workflow-throttled": (
        mark("There were too many attempts: the next one can be made in {after_s} seconds."),
        mark("Wait, then try again. Who has forgotten their password asks an administrator for another."),
    ),
    "workflow-nothing-to-authorise": (mark("Nothing of this waits for your signature at a provider."), ""),
    "workflow-broken-off": (
        mark("It broke off for a reason that is not known here."),
        mark("Look at your folder: what was done is not there any more, and the rest can be done again."),
    ),
    "workflow-authorisation-missing": (
        mark("The person has not authorised this signature at their provider."),
        mark("They do that in their signing folder."),
    ),
    "workflow-outside-nothing": (
        mark("The request does not wait for a file that goes out or comes back."),
        _LOOK,
    ),
    "workflow-outside-nothing-kept": (mark("The request has no such file."), ""),
    "workflow-key-limit": (
        mark("This key has made as many signatures today as it may."),
        mark("It goes on tomorrow; or whoever runs the office raises the limit."),
    ),
    "workflow-nothing-to-show": (
        mark("You would have to show that it is you, and have neither a password nor a passkey here."),
        mark("An administrator gives you a password; with one, you set up a passkey yourself."),
    ),
    "workflow-signer-missing": (mark("No key is set up for who signs here."), _TELL),
    "workflow-below-minimum-level": (
        mark("The document would be signed at a lower level than this office asks for."),
        _TELL,
    ),
    "workflow-employer-unknown": (
        mark("Nobody here works for the employer whom the document names."),
        mark("Return the request, and have the employer's name corrected."),
    ),
    "workflow-organisation-unknown": (mark("It is not set down whose seal is used here."), _TELL),
    "workflow-another-signer-began": (
        mark("Somebody else has begun to sign here."),
        mark("Let them finish, or return the request."),
    ),
    "workflow-signature-unfinishable": (
        mark("The signature was made, and can't be put into the document any more."),
        mark("Return the request: the document is made and signed anew."),
    ),
    "workflow-profile-missing": (mark("The way in which this is signed is not set up here."), _TELL),
    "workflow-nobody-approved": (mark("Nobody has approved the document."), _TELL),
    "workflow-nobody-signed": (mark("It is not known who signs."), _TELL),
    "workflow-nothing-to-deliver": (mark("There is no finished document to deliver."), _TELL),
    "workflow-evidence-nothing": (mark("The request has no document that was signed or delivered."), ""),
    "workflow-evidence-unanchored": (
        mark("Nothing outside of the log speaks for the request's last event yet."),
        mark("Try again later: that is done by itself."),
    ),
    "workflow-register-missing": (mark("There is no HR register here to compare with."), _TELL),
    "workflow-definition-unknown": (
        mark("There is no such process, or it is not offered any more."),
        mark("Choose another one."),
    ),
    "workflow-no-branch": (mark("The process has no way on for what is filled in."), _TELL),
    "workflow-fact-missing": (mark("Something is not filled in on which the way on depends."), ""),
    "workflow-trigger-not-here": (mark("This can't be done where the request is."), _LOOK),
    "workflow-calendar-ended": (mark("The working calendar does not know this year's holidays."), _TELL),
    "workflow-given-up": (mark("You gave it up: nothing was signed."), mark("Begin again when you want to.")),
    "workflow-nobody-answered": (
        mark("The question stood unanswered for too long: nothing of it was signed."),
        mark("Begin again."),
    ),
    "workflow-document-not-there": (
        mark("The request has no such document: not yet, or not any more."),
        mark("Look at the request again."),
    ),
    "workflow-ceremony-over": (mark("This took too long, or was answered before."), mark("Begin again.")),
    "workflow-code-wrong": (
        mark("This code does not count: it is not the one of this moment, or it was used before."),
        mark("Wait for the next one, and see that the telephone's clock is right."),
    ),
    "workflow-codes": (
        mark("One-time codes can't be set up or removed like this."),
        mark("Look at your account again."),
    ),
    "workflow-passkey": (
        mark("This passkey does not show who you are, or can't be set up."),
        mark("Begin again, with a passkey that was set up here."),
    ),
    "workflow-elsewhere": (mark("The organisation's sign-in can't be asked now."), _AGAIN),
    "workflow-elsewhere-refused": (
        mark("The organisation's sign-in did not say who you are."),
        mark("Begin again. If that does not help, tell whoever runs the office."),
    ),
    "workflow-not-in-register": (mark("The HR register here does not know you."), _TELL),
    "workflow-token": ("", mark("Mend what is named, or ask an administrator.")),
    "workflow-grant": ("", mark("Mend what is named, or ask an administrator.")),
    "workflow-webhook": ("", mark("Mend what is named, or ask an administrator.")),
    "document-data": (
        mark("Something in the document is missing, or not right."),
        mark("Mend the fields named."),
    ),
    "document-kind": (mark("There is no such kind of document."), mark("Choose another one.")),
    "document-intake": (mark("The file can't be read."), mark("Use a CSV or JSON file in UTF-8.")),
    "document-register": (mark("The HR register can't be read."), _TELL),
    "document-person-unknown": (
        mark("The HR register holds no person of this id."),
        mark("Fill in every field yourself, or have the register mended."),
    ),
    "document-too-long": (
        mark("The texts fill more pages than one document may have."),
        mark("Shorten the texts."),
    ),
    "document-language": (
        mark("There are no words for documents in this language."),
        mark("Choose another one."),
    ),
    "document-blob": (_FILE, _AGAIN),
    "document-blob-missing": (_FILE, _TELL),
    "document-blob-corrupt": (mark("A stored file is damaged."), _TELL),
    "fonts-unprintable": (
        mark("A text holds characters that can't be printed."),
        mark("Write it in Latin letters."),
    ),
    "signing-foreign-refused": (
        mark("This is not the file that was handed out, with the expected signatures in it."),
        mark("Sign the file that was handed out, as it is, and bring that."),
    ),
    "signing-scan-refused": (
        mark("The scan can't be read, is not whole, or is not of a document that waits for one."),
        mark("Scan every page, with its code."),
    ),
    "signing-page-not-drawn": (
        mark("This page can't be shown."),
        mark("Download the document, and look at it there."),
    ),
    "signing-document-refused": (mark("This PDF can't be signed safely."), _TELL),
    "signing-timestamp": (mark("No timestamp could be had."), _AGAIN),
    "signing-timestamp-limit": (
        mark("No timestamp may be asked for yet."),
        mark("Nothing: it goes on by itself."),
    ),
    "signing-revocation-unavailable": (
        mark("Whether the certificate is revoked could not be found out."),
        _AGAIN,
    ),
    "signing-certificate-unusable": (mark("The certificate may not sign now."), _TELL),
    "signing-certificate-revoked": (mark("The certificate has been revoked."), _TELL),
    "signing-level-not-reached": (mark("The signature did not reach the level asked for."), _AGAIN),
    "signing-self-check": (mark("The finished file did not pass the check, so it is not handed out."), _TELL),
    "signing-signer": (_KEY, _AGAIN),
    "signing-token-unavailable": (_KEY, _TELL),
    "signing-token-pin": (_KEY, _TELL),
    "signing-remote": (mark("The provider did not do what was asked."), _PROVIDER),
    "signing-remote-unavailable": (mark("The provider can't be reached, or does not answer."), _PROVIDER),
    "signing-remote-settings": (mark("The provider is not set up rightly here."), _TELL),
    "signing-remote-answer": (mark("The provider gave an answer that can't be used."), _TELL),
    "signing-remote-limit": (
        mark("The provider may not be asked again yet."),
        mark("Wait a little, then try again."),
    ),
    "signing-remote-refused": (mark("The provider refused."), mark("Ask the provider what it misses.")),
    "signing-remote-login": (
        mark("The provider does not let this office in, or no longer knows you."),
        mark("Log in at the provider again."),
    ),
    "signing-remote-denied": (
        mark("The signatures were not authorised."),
        mark("Begin again in the same browser, and say yes on the provider's page."),
    ),
    "signing-remote-pin": (
        mark("The PIN is missing, wrong or locked."),
        mark("Type it again. A locked one is unlocked at the provider."),
    ),
    "signing-remote-code": (
        mark("The one-time code is missing, wrong or out of date."),
        mark("Have a new one sent, and type that."),
    ),
    "signing-remote-credential": (
        mark("The provider has no such key, or it may not be used."),
        mark("Ask the provider; or whoever runs the office corrects the key's name."),
    ),
    "signing-remote-count": (
        mark("One authorisation does not reach for so many signatures."),
        mark("Choose fewer at a time."),
    ),
    "signing-remote-authorisation": (
        mark("The authorisation has expired or is used up."),
        mark("Authorise the signatures again."),
    ),
    "signing-remote-uncertain": (
        mark("The provider may have signed, and its answer did not arrive."),
        mark("Authorise again: the key is then used once more over the same document."),
    ),
    "signing-remote-value": (mark("The provider's signature is not one with your certificate."), _TELL),
    "worker-died": (mark("The program that worked on this ended several times."), _TELL),
    "step-crashed": (mark("The program met an error that nobody foresaw."), _TELL),
}
