"""Which roles a duty gives, as the HR register and the groups of an organisation name it."""

from collections.abc import Mapping
from types import MappingProxyType

# A duty in the register → roles, and whether they hold for every unit or only for the person's own.
DUTY_ROLES: Mapping[str, tuple[tuple[str, bool], ...]] = MappingProxyType(
    {
        "manager": (("manager", False), ("leader", False)),
        "clerk": (("clerk", True),),
        "signer": (("signer", True),),
        "auditor": (("auditor", True),),
        "administrator": (("administrator", True),),
    }
)
