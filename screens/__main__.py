"""`make screenshots`: every screen with the demo's day, light and dark, into docs/screenshots/."""

import sys
from pathlib import Path
from random import Random
from typing import Final

import django

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
SEED: Final = 7


def main() -> int:
    """Start everything, fill the day, take the pictures; the exit code."""
    django.setup()
    from screens.chromium import chromium

    if (path := chromium()) is None:
        print("No Chromium was found; install it (Debian and Ubuntu: the package chromium), or set CHROMIUM.")
        return 1
    from django.core.management import call_command

    from screens.stage import take_all

    call_command("migrate", verbosity=0)
    size = take_all(path, FOLDER, Random(SEED))
    print(f"{len(list(FOLDER.glob('*.png')))} pictures, {size / 1e6:.1f} MB, in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
