"""The number of the transaction that stored a row, as the row keeps it. tracking.positions says what for."""

from typing import Any, Final

from django.db import models

NUMBER: Final = "pg_current_xact_id()::text::bigint"


class Position(models.Func):
    """The position of a row that is stored by the transaction which asks."""

    template = f"({NUMBER})"
    output_field = models.BigIntegerField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
