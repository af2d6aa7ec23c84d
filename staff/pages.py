"""Where staff show their second factor, and where they switch it on and off."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View

from staff import codes, secondfactor
from staff.forms import CodeForm, ConfirmForm, Throttled
from staff.models import SecondFactor


def is_staff(request: HttpRequest) -> bool:
    """Whether somebody is logged in, with name and password, who belongs here."""
    return bool(request.user.is_active and request.user.is_staff)


def target_of(request: HttpRequest) -> str:
    """The page that was asked for before the login; the dashboard's first one where it is none of ours."""
    target = request.POST.get(REDIRECT_FIELD_NAME, request.GET.get(REDIRECT_FIELD_NAME, ""))
    ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if ours else reverse("admin:index")


def told_to_wait(response: HttpResponse, form: Throttled) -> HttpResponse:
    """The response, with the status of RFC 6585 where the form was tried too often."""
    if form.wait:
        response.status_code, response["Retry-After"] = 429, str(form.wait)
    return response


class StaffPage(View):
    """A page for whoever has given a name and a password; others are sent to the login."""

    site: Any = None
    template = ""
    title: Any = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not is_staff(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return super().dispatch(request, *args, **kwargs)

    def show(self, form: Throttled | None = None, **context: Any) -> HttpResponse:
        """The page with this form, if any."""
        shared = {**self.site.each_context(self.request), "title": self.title, "form": form}
        target = {"target": target_of(self.request)}
        response = TemplateResponse(self.request, self.template, {**shared, **target, **context})
        return told_to_wait(response, form) if form else response


class CodePage(StaffPage):
    """The second step of a login."""

    template = "staff/code.html"
    title = _("Second factor")

    def get(self, request: HttpRequest) -> HttpResponse:
        factor = self._missing()
        return self.show(CodeForm(factor)) if factor else HttpResponseRedirect(target_of(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Let the session pass where the code fits."""
        factor = self._missing()
        if factor is None:
            return HttpResponseRedirect(target_of(request))
        form = CodeForm(factor, request.POST)
        if not form.is_valid():
            return self.show(form)
        secondfactor.remember(request, factor)
        return HttpResponseRedirect(target_of(request))

    def _missing(self) -> SecondFactor | None:
        return None if secondfactor.passed(self.request) else secondfactor.factor_of(self.request.user)


class SecondFactorPage(StaffPage):
    """Switching it on takes two steps: a secret, and a code of it. What weakens it afterwards takes a code."""

    template = "staff/second_factor.html"
    title = _("Second factor")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_staff(request) and secondfactor.factor_of(request.user) and not secondfactor.passed(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        factor = SecondFactor.objects.filter(pk=request.user.pk).first()
        if factor is None:
            return self._show("off")
        if factor.confirmed is None:
            return self._show_secret(factor, ConfirmForm(factor))
        return self._show("on", CodeForm(factor), left=len(factor.recovery), since=factor.confirmed)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do what the button says that was pressed."""
        acts = {"begin": self._begin, "confirm": self._confirm, "cancel": self._cancel}
        acts |= {"off": self._switch_off, "codes": self._renew}
        act = acts.get(request.POST.get("act", ""))
        return act() if act else self._back()

    def _begin(self) -> HttpResponse:
        if secondfactor.factor_of(self.request.user) is None:
            secondfactor.begin(self.request.user)  # type: ignore[arg-type]
        return self._back()

    def _confirm(self) -> HttpResponse:
        factor = SecondFactor.objects.filter(pk=self.request.user.pk, confirmed=None).first()
        if factor is None:
            return self._back()
        form = ConfirmForm(factor, self.request.POST)
        if not form.is_valid():
            return self._show_secret(factor, form)
        secondfactor.remember(self.request, factor)
        return self._show("codes", recovery_codes=form.recovery_codes)

    def _cancel(self) -> HttpResponse:
        secondfactor.give_up(self.request.user)  # type: ignore[arg-type]
        return self._back()

    def _switch_off(self) -> HttpResponse:
        form = self._code_form()
        if form is None or settings.REQUIRE_SECOND_FACTOR:
            return self._back()
        if not form.is_valid():
            return self._show("on", form, left=len(form.factor.recovery), since=form.factor.confirmed)
        with transaction.atomic():
            secondfactor.remove(self.request.user)  # type: ignore[arg-type]
            secondfactor.log_own(self.request.user, gettext("Switched off the second factor."))
        messages.success(self.request, _("The second factor is off: your password alone lets you in."))
        return self._back()

    def _renew(self) -> HttpResponse:
        form = self._code_form()
        if form is None:
            return self._back()
        if not form.is_valid():
            return self._show("on", form, left=len(form.factor.recovery), since=form.factor.confirmed)
        made = secondfactor.renew_recovery_codes(form.factor)
        return self._show("codes", recovery_codes=made)

    def _code_form(self) -> CodeForm | None:
        factor = secondfactor.factor_of(self.request.user)
        return CodeForm(factor, self.request.POST) if factor else None

    def _show(self, state: str, form: CodeForm | None = None, **context: Any) -> HttpResponse:
        return self.show(form, state=state, is_required=settings.REQUIRE_SECOND_FACTOR, **context)

    def _show_secret(self, factor: SecondFactor, form: ConfirmForm) -> HttpResponse:
        uri = codes.uri(factor.secret, self.request.user.get_username())
        return self._show("begun", form, picture=codes.picture(uri), secret=factor.secret)

    def _back(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:second_factor"))
