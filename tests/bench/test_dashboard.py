import pytest
from pytest_django.live_server_helper import LiveServer

from bench.dashboard import Dashboard
from feedbackloops.models import Delivery
from tests.factories import make_message, make_verified_loop, owe


@pytest.fixture
def delivery(transactional_db: None) -> Delivery:
    message = make_message()
    make_verified_loop(message.account)
    owe(message)
    return Delivery.objects.get()


def test_list_and_page_of_deliveries_are_looked_at_and_timed(live_server: LiveServer, delivery: Delivery) -> None:
    dashboard = Dashboard(live_server.url, 3)

    assert 0 < dashboard.list_ms() < 5000
    assert 0 < dashboard.page_ms(delivery) < 5000


def test_a_page_that_is_not_there_is_no_figure(live_server: LiveServer, delivery: Delivery) -> None:
    dashboard = Dashboard(live_server.url, 3)
    Delivery.objects.all().delete()

    with pytest.raises(RuntimeError, match=r"The dashboard answered 302 for /.*/delivery/"):
        dashboard.page_ms(delivery)


def test_a_second_dashboard_is_the_same_member_of_staff(live_server: LiveServer, delivery: Delivery) -> None:
    Dashboard(live_server.url, 3)

    assert Dashboard(live_server.url, 3).list_ms() > 0
