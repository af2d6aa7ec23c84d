"""The recipients of the demo's day. Pure."""

from random import Random
from typing import Any, Final

NUMBER: Final = 400

_FIRST: Final = (
    *("Anna", "Bram", "Chiara", "Daan", "Elif", "Femke", "Giulia", "Hassan", "Ines", "Jonas", "Katarzyna", "Lotte"),
    *("Marek", "Noor", "Oskar", "Priya", "Quinten", "Rosa", "Sanne", "Thijs", "Ülkü", "Valentina", "Wouter", "Xenia"),
    *("Youssef", "Zoë", "Łukasz", "Søren", "Mei", "Amélie", "Ibrahim", "Fleur"),
)
_LAST: Final = (
    *("de Vries", "Jansen", "Bakker", "Visser", "Meijer", "Mulder", "Rossi", "Nowak", "Müller", "Dubois", "García"),
    *("Okafor", "Larsen", "van Dijk", "Smit", "de Boer", "Peters", "Kowalska", "Haddad", "Moreau", "Bos", "Hendriks"),
    *("Østergaard", "Chen", "Kaya"),
)
_CITIES: Final = ("Utrecht", "Groningen", "Zwolle", "Antwerpen", "Leuven", "Köln", "Aarhus", "Kraków", "Lyon", "Málaga")
_INTERESTS: Final = ("night trains", "cycling", "islands", "museums", "hiking", "food markets", "winter sun")
_HOSTS: Final = ("example.com", "example.net", "example.org")
# What an address is made of has no accents.
_PLAIN: Final = str.maketrans("ëéèüöøÜíáŁłØ", "eeeuooUiaLlO")


def made_up(number: int, chance: Random) -> list[dict[str, Any]]:
    """So many profiles, as `import_profiles` takes them; no two have the same address."""
    return [_person(place, chance) for place in range(number)]


def _person(place: int, chance: Random) -> dict[str, Any]:
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    name = f"{first}.{last}".translate(_PLAIN).replace(" ", "").lower()
    fields = {
        "email": f"{name}{place or ''}@{chance.choice(_HOSTS)}",
        "first name": first,
        "last name": last,
        "city": chance.choice(_CITIES),
        "customer number": f"NL-{48_210 + 7 * place}",
        "loyalty": chance.choice(("bronze", "silver", "gold", "")),
    }
    return {"fields": fields, "interests": chance.sample(_INTERESTS, chance.randint(0, 3))}
