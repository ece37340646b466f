"""Write the sample HR register: 200 plainly invented people, the same at every run.

Run `python -m documents.sample.make_register > documents/sample/hr_register.csv` after a change.

Every surname holds "Voorbeeld" (example), the employer says "(sample)", towns and streets are invented, and
there is no citizen service number in any form. Contracts end in a far future: the sample stays usable.
"""

import csv
import hashlib
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TextIO, TypeVar

NUMBER_OF_PEOPLE = 200
AUDITOR = 192  # of the document room
ADMINISTRATOR = 194  # of the data desk
UNITS = {
    "Personnel and Pay": ("Pay desk", "Declarations desk", "Appointments"),
    "Policy": ("Team Sunflower", "Team Oak", "Team Heather", "Team Fern"),
    "Inspection": ("Team North", "Team East", "Team South", "Team West"),
    "Information": ("Document room", "Applications", "Data desk"),
    "Facilities": ("Reception", "Buildings", "Catering", "Night watch"),
}
FUNCTIONS = {
    "Personnel and Pay": ("Personnel clerk", "Pay officer", "Personnel adviser"),
    "Policy": ("Policy officer", "Policy adviser", "Senior policy adviser", "Legal adviser"),
    "Inspection": ("Inspector", "Senior inspector", "Planner"),
    "Information": ("Archivist", "Application manager", "Data analyst", "Tester"),
    "Facilities": ("Receptionist", "Caretaker", "Cook", "Security officer"),
}
_NAMES = """
Zonnebloem Esdoorn Linde Meidoorn Brem Varen Klaver Distel Hulst Lijster Wilg Berk Eik Beuk Spar Den Iep Els
Hazelaar Vlier Kamperfoelie Madelief Boterbloem Korenbloem Klaproos Anemoon Akelei Lavendel Tijm Salie Munt
Karwij Venkel Dille Bieslook Peterselie Rozemarijn Karmijn Indigo Oker Céladon Crème Azuur Turkoois Purper
Magenta Siena Saffraan Smaragd Robijn Amber Koraal
"""
PLANTS_AND_COLOURS = _NAMES.split()
STREETS = ("Proefstraat", "Voorbeeldlaan", "Monsterweg", "Testplein", "Oefenkade", "Modelhof")
TOWNS = ("Voorbeeldstad", "Proefdorp", "Sampledam", "Modelhuizen")
LETTERS = ("XX", "XY", "XZ", "YX", "YY", "YZ", "ZX", "ZY", "ZZ")
EMPLOYER = {
    "employer_name": "Ministerie van Voorbeelden (sample)",
    "employer_address": "Voorbeeldplein 1",
    "employer_postcode": "9999 XX",
    "employer_town": "Voorbeeldstad",
    "chamber_of_commerce_number": "00000001",
}

_Option = TypeVar("_Option")


def _number(person: int, what: str, below: int) -> int:
    """A number that looks random and is the same on every machine and Python."""
    return int.from_bytes(hashlib.sha256(f"{person}/{what}".encode()).digest()[:6]) % below


def _pick(person: int, what: str, options: Sequence[_Option]) -> _Option:
    return options[_number(person, what, len(options))]


def _person_id(number: int) -> str:
    return f"P{number:03d}"


def _desks() -> list[tuple[str, str]]:
    return [(unit, team) for unit, teams in UNITS.items() for team in teams]


def _name(person: int) -> tuple[str, str]:
    """Initials and surname, and for every ninth person a maiden name within it."""
    initials = "".join(
        f"{_pick(person, f'initial {n}', 'ABCDEFGHJKLMNPRSTVW')}." for n in range(1 + person // 70)
    )
    plant = PLANTS_AND_COLOURS[person % len(PLANTS_AND_COLOURS)]
    if person % 9 == 4:
        own = PLANTS_AND_COLOURS[(person * 7 + 3) % len(PLANTS_AND_COLOURS)]
        return f"{initials} Voorbeeld-{plant}-{own}", f"Voorbeeld-{own}"
    return f"{initials} Voorbeeld-{plant}", ""


def _place(person: int) -> dict[str, str]:
    """The first person of a desk manages it; the first desk's first person heads everything."""
    desks = _desks()
    unit, team = desks[(person - 1) % len(desks)]
    if person == 1:
        manager = ""
    elif person <= len(desks):
        manager = _person_id(1)
    else:
        manager = _person_id((person - 1) % len(desks) + 1)
    duties = ["manager"] if person <= len(desks) else []
    if team == "Declarations desk" and person > len(desks):
        duties.append("clerk")
    if unit == "Personnel and Pay" and person <= len(desks):
        duties.append("signer")
    if person == AUDITOR:
        duties.append("auditor")
    if person == ADMINISTRATOR:
        duties.append("administrator")
    head = "Head of unit" if person <= len(desks) else _pick(person, "function", FUNCTIONS[unit])
    return {"unit": unit, "team": team, "manager_id": manager, "duties": " ".join(duties), "function": head}


def _appointment(person: int) -> dict[str, str]:
    born = date(1962, 1, 1) + timedelta(days=_number(person, "born", 38 * 365))
    since = date(2008, 1, 1) + timedelta(days=_number(person, "since", 16 * 365) // 7 * 7)
    since = max(since, born.replace(year=born.year + 21, day=1))
    contract = "temporary" if person % 4 == 3 else "flexible" if person % 50 == 10 else "permanent"
    starts = since
    ends = ""
    if contract == "temporary":
        starts = max(since, date(2023, 1, 1) + timedelta(days=30 * _number(person, "starts", 20)))
        ends = date(2031 + _number(person, "ends", 4), 12, 31).isoformat()
    probation = contract == "temporary" or person % 6 == 1
    return {
        "date_of_birth": born.isoformat(),
        "in_service_since": since.isoformat(),
        "contract": contract,
        "starts_on": starts.isoformat(),
        "ends_on": ends,
        "probation": "yes" if probation else "no",
        "probation_ended": "yes" if probation else "",
        "plan_to_end": "no",
        "reorganisation": "yes" if person % 11 == 5 else "no",
        "reorganisation_impact": (
            "The team moves to another directorate; the appointment does not change."
            if person % 11 == 5
            else ""
        ),
        "director_or_shareholder": "no",
    }


def _pay(person: int) -> dict[str, str]:
    four_weeks = person % 5 == 2
    monthly = 2_400 + _number(person, "pay", 4_200) + (900 if person <= len(_desks()) else 0)
    cents = _number(person, "cents", 100)
    watch = _desks()[(person - 1) % len(_desks())][1] in {"Night watch", "Reception"}
    return {
        "pay_period": "four-weeks" if four_weeks else "month",
        "pay": f"{monthly * 12 // 13 if four_weeks else monthly}.{cents:02d}",
        "ikb": "yes" if person % 3 == 0 else "no",
        "holiday_allowance_percentage": "8",
        "year_end_allowance_percentage": "8.3",
        "fixed_is_unconditional": "yes",
        "irregular_hours": f"{400 + _number(person, 'hours', 2600)}.{cents:02d}" if watch else "",
        "overtime": f"{50 + _number(person, 'overtime', 900)}.00" if person % 8 == 6 else "",
        "loan": "yes" if person % 29 == 7 else "no",
        "loan_principal": f"{500 + 250 * _number(person, 'loan', 12)}.00" if person % 29 == 7 else "",
        "wage_garnishment": "yes" if person % 41 == 9 else "no",
        "wage_garnishment_monthly": f"{75 + 25 * _number(person, 'wage', 8)}.00" if person % 41 == 9 else "",
    }


def people() -> list[dict[str, str]]:
    """Make everybody, in the order of their ids."""
    everybody = []
    for person in range(1, NUMBER_OF_PEOPLE + 1):
        name, maiden_name = _name(person)
        address = f"{_pick(person, 'street', STREETS)} {1 + _number(person, 'house', 180)}"
        row = {
            "person_id": _person_id(person),
            "name": name,
            "maiden_name": maiden_name,
            "address": address,
            "postcode": f"9999 {_pick(person, 'letters', LETTERS)}",
            "town": _pick(person, "town", TOWNS),
        }
        everybody.append(row | _place(person) | _appointment(person) | _pay(person) | EMPLOYER)
    return everybody


def write(out: TextIO) -> None:
    """Write the register as comma-separated values."""
    everybody = people()
    writer = csv.DictWriter(out, list(everybody[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(everybody)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # a real stdout has it
    write(sys.stdout)
