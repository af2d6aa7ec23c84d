from tests.tracking.conftest import spool_folder  # noqa: F401  (a fixture)
