#!/usr/bin/env python
"""Django's command line. Where DATABASE_URL or REDIS_URL is not set, each command has embedded servers for itself."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import InterfaceError, OperationalError

from marketingsuite.devstack import DevstackError, environment, environment_without_servers
from marketingsuite.unserved import does_without_servers, in_a_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketingsuite.settings")
    try:
        with environment_without_servers() if does_without_servers(sys.argv[1:]) else environment():
            execute_from_command_line(sys.argv)
    except (DevstackError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except (InterfaceError, OperationalError) as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(in_a_line(error))


if __name__ == "__main__":
    main()
