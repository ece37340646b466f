"""The names that definitions may use, gathered from the rooms that own them."""

from collections.abc import Mapping

from documents.kinds import KINDS
from documents.kinds.paths import is_field
from signing.profile import Profile, packaged_profiles
from workflow.calendar import CALENDARS
from workflow.definition_model import Names
from workflow.machine import EXHAUSTIVE, GUARD_SECTIONS, STEPS


def known_names(profiles: Mapping[str, Profile] | None = None) -> Names:
    """Give every profile, kind, guard, step and calendar of this installation.

    `profiles` are the organisation's; None: those that come with the release.
    """
    if profiles is None:
        profiles = packaged_profiles()
    return Names(
        profiles={name: profile.kind for name, profile in profiles.items()},
        kinds={name: frozenset(kind.model.model_fields) for name, kind in KINDS.items()},
        is_field=lambda kind, path: kind in KINDS and is_field(KINDS[kind].model, path),
        guards=GUARD_SECTIONS,
        exhaustive=EXHAUSTIVE,
        steps=STEPS,
        calendars=frozenset(CALENDARS),
    )
