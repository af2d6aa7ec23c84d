"""The project's settings, and one app more: its migration is what a deploy under load brings along."""

from marketingsuite.settings import *  # noqa: F403  (all of them, whatever they are)
from marketingsuite.settings import INSTALLED_APPS as USUAL_APPS

INSTALLED_APPS = [*USUAL_APPS, "chaos"]
