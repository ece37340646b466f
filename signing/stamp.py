"""The visible signature: a few lines of text in a box, as a small Form XObject.

It tells who, in which role, when and at which level, and says so when the certificate is a development one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from certs.keystore import is_development
from fonts import Face, UnprintableText, bold, regular
from signing.errors import StampError
from signing.profile import Level

_LARGEST_SIZE, _SMALLEST_SIZE, _STEP = 9.0, 4.0, 0.5
_PADDING, _LEADING = 6.0, 1.25


@dataclass(frozen=True)
class Appearance:
    """What the stamp says, a line each; the first line is bold."""

    lines: tuple[str, ...]

    @classmethod
    def of(
        cls,
        *,
        name: str,
        role: str,
        claimed_at: datetime,
        level: Level,
        certificate: x509.Certificate,
        sealed: bool = False,
    ) -> "Appearance":
        """Compose the usual lines: name, role, claimed time in UTC, level, development notice.

        `sealed`: by an organisation, which signs nothing.
        """
        when = claimed_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        notice = ("Development certificate: for trials only",) if is_development(certificate) else ()
        lines = (name, role, f"{'Sealed' if sealed else 'Signed'} {when}", f"PAdES {level}", *notice)
        return cls(tuple(line for line in lines if line))


def faces() -> tuple[Face, Face]:
    """The faces the stamp uses: bold for the first line, regular below."""
    return bold(), regular()


def stamp_content(appearance: Appearance, width: float, height: float) -> bytes:
    """Draw the stamp for a box of this size in points; raises StampError when the text can't be shown."""
    try:
        size = _fitting_size(appearance.lines, width - 2 * _PADDING, height - 2 * _PADDING)
        return _drawn(appearance.lines, width, height, size)
    except UnprintableText as error:
        raise StampError(f"The visible signature {error}.", hint=error.hint) from error


def _face(index: int) -> Face:
    return bold() if index == 0 else regular()


def _fitting_size(lines: tuple[str, ...], width: float, height: float) -> float:
    """The largest size at which every line fits; widths grow in proportion to the size."""
    widest = max((_face(index).width(line, 1) for index, line in enumerate(lines)), default=0.0)
    limits = (
        _LARGEST_SIZE,
        width / widest if widest else _LARGEST_SIZE,
        height / (_LEADING * max(1, len(lines))),
    )
    size = min(limits) // _STEP * _STEP
    if size < _SMALLEST_SIZE:
        raise StampError(
            f"The visible signature's {len(lines)} lines don't fit legibly into a box of "
            f"{width:.0f} × {height:.0f} points.",
            hint="Make the field larger, or the lines shorter.",
        )
    return size


def _drawn(lines: tuple[str, ...], width: float, height: float, size: float) -> bytes:
    leading = size * _LEADING
    block = leading * len(lines)
    first_baseline = (height + block) / 2 - size
    parts = [f"q 0.5 w 0.35 G 0.5 0.5 {width - 1:.2f} {height - 1:.2f} re S BT 0 g"]
    for index, line in enumerate(lines):
        face = _face(index)
        baseline = first_baseline - index * leading
        parts.append(f"/{face.resource_name} {size:g} Tf 1 0 0 1 {_PADDING:g} {baseline:.2f} Tm")
        parts.append(f"<{face.hex(line)}> Tj")
    parts.append("ET Q")
    return "\n".join(parts).encode()
