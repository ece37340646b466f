"""The names that definitions may use, gathered from the rooms that own them."""

from pathlib import Path

from documents.kinds import KINDS
from documents.kinds.paths import is_field
from signing.profile import load_profiles
from workflow.calendar import CALENDARS
from workflow.definition_model import Names
from workflow.machine import EXHAUSTIVE, GUARD_SECTIONS, STEPS


def known_names(profiles_folder: Path | None = None) -> Names:
    """Give every profile, kind, guard, step and calendar of this installation.

    Raises signing.errors.ProfileError when a profile's file is not understood.
    """
    return Names(
        profiles={name: profile.kind for name, profile in load_profiles(profiles_folder).items()},
        kinds={name: frozenset(kind.model.model_fields) for name, kind in KINDS.items()},
        is_field=lambda kind, path: kind in KINDS and is_field(KINDS[kind].model, path),
        guards=GUARD_SECTIONS,
        exhaustive=EXHAUSTIVE,
        steps=STEPS,
        calendars=frozenset(CALENDARS),
    )
