"""Addresses with a fault of ours behind them."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from marketingsuite import urls


def fail(request: HttpRequest) -> HttpResponse:
    """Raises ZeroDivisionError."""
    raise ZeroDivisionError


urlpatterns = [path("fault", fail), *urls.urlpatterns]
