"""Whose mail it is: profiles by e-mail address."""

from collections.abc import Iterable

from profiles.addresses import normal_address
from profiles.models import Profile


def profiles_at(account: int, addresses: Iterable[str], database: int | None = None) -> dict[str, int]:
    """The profiles with these addresses, by address as `normal_address` writes it, in one query.

    Of several with one address, in several databases of the account or in one, it is the newest.
    """
    wanted = {normal_address(address) for address in addresses} - {""}
    rows = Profile.objects.filter(account_id=account, address__in=wanted)
    if database is not None:
        rows = rows.filter(database_id=database)
    return dict(rows.order_by("address", "-pk").distinct("address").values_list("address", "pk"))
