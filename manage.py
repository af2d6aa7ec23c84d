#!/usr/bin/env python
"""Django's command line. Where DATABASE_URL or REDIS_URL is not set, each command has embedded servers for itself."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from marketingsuite.devstack import DevstackError, environment


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")
    try:
        with environment():
            execute_from_command_line(sys.argv)
    except (DevstackError, ImproperlyConfigured) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
