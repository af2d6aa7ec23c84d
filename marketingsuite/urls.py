from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from api.main import api
from marketingsuite.admin import home, last

# Here and not at Django's start: only who serves the dashboard needs it, and workers start sooner without.
admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.admin_view(home)),
    path("admin/last-events/", admin.site.admin_view(last), name="last_events"),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
]

handler400 = "marketingsuite.refusals.unreadable"
handler403 = "marketingsuite.refusals.forbidden"
handler404 = "marketingsuite.refusals.not_found"
handler500 = "marketingsuite.refusals.fault"
