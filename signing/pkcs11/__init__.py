"""Keys in tokens that speak PKCS#11: a card, a hardware security module, or a program that plays one."""

from signing.pkcs11.address import is_key_address
from signing.pkcs11.signer import Pkcs11Signer, open_signer

__all__ = ["Pkcs11Signer", "is_key_address", "open_signer"]
