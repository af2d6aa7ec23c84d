from tests.tracking.conftest import shared_db, spool_folder  # noqa: F401  (fixtures)
