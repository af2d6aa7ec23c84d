"""Addresses with a fault of ours behind them."""

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from marketingsuite import urls


def fail(request: HttpRequest) -> HttpResponse:
    """Raises ZeroDivisionError."""
    raise ZeroDivisionError


def lose_the_database(request: HttpRequest) -> HttpResponse:
    """Raises OperationalError."""
    raise OperationalError("connection refused: password=hunter2")


handler500 = urls.handler500
urlpatterns = [path("fault", fail), path("away", lose_the_database), *urls.urlpatterns]
