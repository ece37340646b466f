"""Who signed: strangers, look-alikes, certificates for something else, keys and digests of any strength."""

from collections.abc import Callable
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from pyhanko.sign.fields import SigSeedSubFilter

from certs.keystore import Credential
from tests.vectors.catalogue import Maker
from tests.vectors.handmade import Hand, by_hand, in_ber
from tests.vectors.pki import AUTHORITY_USAGES, Branch, any_key
from tests.vectors.stock import plain_pdf
from tests.vectors.vector import Vector, authentic, doubted, named, remarked, table

lookalike = table("look-alike")
weak = table("weak algorithm")
purpose = table("certificate for something else")
chain = table("chain")
keys = table("honest: keys")
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")


# look-alikes


@lookalike
def authority_of_the_same_name(maker: Maker) -> Vector:
    """A whole chain whose names are those of the trusted one, with other keys."""
    root = Branch.root(maker.authority.root.subject, maker.now)
    issuing = root.below(maker.authority.issuing.subject)
    return doubted(
        maker.stock.sign(plain_pdf(), issuing.issue(maker.clerk.certificate.subject)), "chain_unknown"
    )


@lookalike
def lookalike_of_issuer_and_number(maker: Maker) -> Vector:
    """Names and serial number of the clerk's certificate; the issuer's key is another."""
    issuer = any_key("P-256")
    key = any_key("P-256")
    real = maker.clerk.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(real.subject)
        .issuer_name(real.issuer)
        .public_key(key.public_key())
        .serial_number(real.serial_number)
        .not_valid_before(real.not_valid_before_utc)
        .not_valid_after(real.not_valid_after_utc)
    )
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    forged = builder.sign(issuer, hashes.SHA256())
    credential = Credential("look-alike", forged, maker.clerk.chain, key)
    pdf = maker.stock.sign(plain_pdf(), credential)
    return doubted(pdf, "certificate_unplaced", "chain_unknown")


@lookalike
def real_chain_enclosed_beside_a_stranger(maker: Maker) -> Vector:
    """The clerk's own certificate lies beside the one that signed."""
    stranger = Branch.root("Anna Voorbeeld", maker.now).issue(maker.clerk.certificate.subject)
    hand = Hand(enclosed=(stranger.certificate, maker.clerk.certificate, maker.authority.issuing))
    return doubted(by_hand(plain_pdf(), stranger, hand), "chain_unknown")


@lookalike
def letters_that_look_alike(maker: Maker) -> Vector:
    """The name is written with a Cyrillic letter; a trusted authority would have to be fooled first."""
    root = Branch.root("Root of strangers", maker.now)
    return doubted(maker.stock.sign(plain_pdf(), root.issue("\u0410nna Voorbeeld")), "chain_unknown")


# weak algorithms


def _weakly(maker: Maker, hand: Hand, *, key_type: str = "RSA-2048") -> bytes:
    signer = maker.main.issue("Willem Zwak", key_type=key_type)
    return by_hand(plain_pdf(), signer, hand)


@weak
def md5_digest(maker: Maker) -> Vector:
    return doubted(_weakly(maker, Hand(digest="md5", hashed_by="sha256")), "algorithm_weak")


@weak
def sha1_digest(maker: Maker) -> Vector:
    return doubted(_weakly(maker, Hand(digest="sha1", hashed_by="sha256")), "algorithm_weak")


@weak
def md5_signature(maker: Maker) -> Vector:
    return doubted(_weakly(maker, Hand(digest="md5")), "algorithm_weak")


@weak
def sha1_signature(maker: Maker) -> Vector:
    return doubted(_weakly(maker, Hand(digest="sha1")), "algorithm_weak")


@weak
def sha1_over_the_attributes_only(maker: Maker) -> Vector:
    return doubted(_weakly(maker, Hand(hashed_by="sha1")), "algorithm_weak")


@weak
def rsa_1024(maker: Maker) -> Vector:
    return doubted(_weakly(maker, Hand(), key_type="RSA-1024"), "algorithm_weak")


@weak
def p_192(maker: Maker) -> Vector:
    return doubted(_weakly(maker, Hand(), key_type="P-192"), "algorithm_weak")


# certificates for something else


def _issued(maker: Maker, **more: object) -> Credential:
    return maker.main.issue("Daan Sleutel", **more)  # type: ignore[arg-type]


def _usage(name: str, usages: frozenset[str] | None, judge: Callable[..., Vector], *codes: str) -> None:
    def make(maker: Maker) -> Vector:
        return judge(maker.stock.sign(plain_pdf(), _issued(maker, usages=usages)), *codes)

    purpose(named(f"key_usage_{name}", make))


_usage("absent", None, doubted, "key_usage_wrong")
_usage("digital_signature_only", frozenset({"digital_signature"}), authentic)
_usage("content_commitment_only", frozenset({"content_commitment"}), authentic)
_usage("encipherment_only", frozenset({"key_encipherment", "data_encipherment"}), doubted, "key_usage_wrong")
_usage("authority_only", AUTHORITY_USAGES, doubted, "key_usage_wrong")


def _purpose(name: str, oid: ObjectIdentifier, judge: Callable[..., Vector], *codes: str) -> None:
    def make(maker: Maker) -> Vector:
        return judge(maker.stock.sign(plain_pdf(), _issued(maker, eku=(oid,))), *codes)

    purpose(named(f"purpose_{name}", make))


_purpose("document_signing", DOCUMENT_SIGNING, authentic)
_purpose("email", ExtendedKeyUsageOID.EMAIL_PROTECTION, authentic)
_purpose("web_server", ExtendedKeyUsageOID.SERVER_AUTH, doubted, "key_usage_wrong")
_purpose("code_signing", ExtendedKeyUsageOID.CODE_SIGNING, doubted, "key_usage_wrong")
_purpose("time_stamping", ExtendedKeyUsageOID.TIME_STAMPING, doubted, "key_usage_wrong")


@purpose
def not_yet_valid(maker: Maker) -> Vector:
    begins = maker.now + timedelta(days=2)
    return doubted(maker.stock.sign(plain_pdf(), _issued(maker, begins=begins)), "expired")


# chains


@chain
def three_intermediates(maker: Maker) -> Vector:
    """Honest."""
    return authentic(maker.stock.sign(plain_pdf(), maker.deep[-1].issue("Dieuwke Diep")))


@chain
def intermediates_not_enclosed(maker: Maker) -> Vector:
    """Honest; the issuing certificate is at hand elsewhere."""
    hand = Hand(enclosed=(maker.clerk.certificate,))
    return authentic(by_hand(plain_pdf(), maker.clerk, hand))


@chain
def an_intermediate_is_missing(maker: Maker) -> Vector:
    signer = maker.deep[-1].issue("Dieuwke Diep")
    enclosed = (signer.certificate, maker.deep[-1].authority.certificate)
    return doubted(by_hand(plain_pdf(), signer, Hand(enclosed=enclosed)), "chain_unknown")


@chain
def issued_by_a_person(maker: Maker) -> Vector:
    """The clerk's certificate is no authority's, but issued another."""
    other = Branch(maker.clerk, maker.now).issue("Bram Verzonnen")
    return doubted(maker.stock.sign(plain_pdf(), other), "chain_unknown")


@chain
def path_longer_than_allowed(maker: Maker) -> Vector:
    """The issuing authority may have no other below it."""
    below = maker.main.below("One too many")
    return doubted(maker.stock.sign(plain_pdf(), below.issue("Bram Verzonnen")), "chain_unknown")


@chain
def authority_expired(maker: Maker) -> Vector:
    brief = maker.main_root.below("Brief authority", ends=maker.now - timedelta(days=1))
    signer = brief.issue("Kees Kort")
    return doubted(maker.stock.sign(plain_pdf(), signer), "chain_unknown")


@chain
def trusted_root_alone(maker: Maker) -> Vector:
    """Honest: a certificate that the root itself issued."""
    return authentic(maker.stock.sign(plain_pdf(), maker.main_root.issue("Roos Wortel")))


@chain
def seal_of_an_organisation(maker: Maker) -> Vector:
    """Honest."""
    return authentic(maker.stock.sign(plain_pdf(), maker.authority.seal(now=maker.now)))


@chain
def name_in_several_parts(maker: Maker) -> Vector:
    """Honest: a name without a common name, in letters beyond ASCII."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.SURNAME, "Ångström-Çelik"),
            x509.NameAttribute(NameOID.GIVEN_NAME, "Zoë"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "development"),
        ]
    )
    return authentic(maker.stock.sign(plain_pdf(), maker.main.issue(name)))


# honest files with every kind of key


def _key(key_type: str, digest: str, *, pss: bool = False) -> None:
    def make(maker: Maker) -> Vector:
        signer = maker.main.issue("Karin Sleutel", key_type=key_type)
        return authentic(maker.stock.sign(plain_pdf(), signer, digest=digest, pss=pss))

    name = f"signed_with_{key_type}{'_pss' if pss else ''}"
    keys(named(name.lower().replace("-", "_"), make))


_key("P-384", "sha384")
_key("P-521", "sha512")
_key("brainpoolP256r1", "sha256")
_key("RSA-2048", "sha256")
_key("RSA-3072", "sha256")
_key("RSA-4096", "sha512")
_key("RSA-2048", "sha256", pss=True)
_key("RSA-3072", "sha384", pss=True)
_key("Ed25519", "sha512")
_key("Ed448", "shake256")


@keys
def signed_by_key_identifier(maker: Maker) -> Vector:
    """Honest: the signer is named by key identifier, not by issuer and number."""
    return authentic(by_hand(plain_pdf(), maker.clerk, Hand(by_key_identifier=True)))


@keys
def written_in_ber(maker: Maker) -> Vector:
    """Honest: older software writes a CMS with indefinite lengths."""
    hand = Hand()
    return remarked(by_hand(plain_pdf(), maker.clerk, hand, encode=in_ber), "cms_in_ber")


@keys
def older_format_in_ber(maker: Maker) -> Vector:
    """Honest: the same in the older format, where it is most common."""
    subfilter = SigSeedSubFilter.ADOBE_PKCS7_DETACHED
    pdf = by_hand(plain_pdf(), maker.clerk, Hand(), subfilter=subfilter, encode=in_ber)
    return remarked(pdf, "cms_in_ber", "not_pades")
