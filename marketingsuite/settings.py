"""Every setting, read from the environment or a `.env` file beside manage.py; docs/operations.md describes each."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from feedbackloops.protocol.retry import parse_schedule
from marketingsuite import logs
from marketingsuite.environment import Environment, mail_server, named, networks
from marketingsuite.keys import development_keys, insist_on_safety, key_from
from marketingsuite.theme import UNFOLD as UNFOLD  # which the theme reads from here
from tracking.tokens import Keyring

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
env.read_env(BASE_DIR / ".env")
VAR_DIR = Path(env.str("MARKETINGSUITE_VAR", default=str(BASE_DIR / "var")))

# Development makes its own keys and serves static files unbuilt. Django's DEBUG stays off even then: it keeps every
# query in memory, which a worker that runs for days cannot afford.
DEVELOPMENT = env.bool("DEVELOPMENT", default=False)
DEBUG = env.bool("DEBUG", default=False)
_made = development_keys(VAR_DIR) if DEVELOPMENT else {}

SECRET_KEY = key_from(os.environ, "SECRET_KEY", _made)
# The newest key comes first in both: it signs or encrypts, the others still read.
TRACKING_KEYS = named("TRACKING_KEYS", lambda: Keyring.parse(key_from(os.environ, "TRACKING_KEYS", _made)))
ENCRYPTION_KEYS = key_from(os.environ, "ENCRYPTION_KEYS", _made).split(",")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else [])
CSRF_FAILURE_VIEW = "marketingsuite.refusals.unchecked"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if not (DEVELOPMENT or DEBUG):
    insist_on_safety(SECRET_KEY, ALLOWED_HOSTS)

# --- Tracking
TRACKING_URL = env.str("TRACKING_URL", default="http://localhost:8000").rstrip("/")
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
RECORDER_CONNECTIONS = env.int("RECORDER_CONNECTIONS", default=2)
HIT_WAIT_SECONDS = env.int("HIT_WAIT_MS", default=40) / 1000
SPOOL_DIR = Path(env.str("SPOOL_DIR", default=str(VAR_DIR / "spool")))
VERDICT_RULES = env.str("VERDICT_RULES", default="")
BLOCK_FILE = VAR_DIR / "blocks.json"
PRIVACY_FILE = VAR_DIR / "privacy.bin"

# --- Feedback loops
USER_AGENT = f"MarketingSuite/{VERSION}"
OUTBOUND_ALLOWED_NETWORKS = named(
    "OUTBOUND_ALLOWED_NETWORKS", lambda: networks(env.list("OUTBOUND_ALLOWED_NETWORKS", default=[]))
)
OUTBOUND_DNS_SERVERS = env.list("OUTBOUND_DNS_SERVERS", default=[])
OUTBOUND_DNS_PORT = env.int("OUTBOUND_DNS_PORT", default=53)
OUTBOUND_CA_FILE = env.str("OUTBOUND_CA_FILE", default="")
CONNECT_SECONDS = env.float("CONNECT_SECONDS", default=5.0)
ANSWER_SECONDS = env.float("ANSWER_SECONDS", default=15.0)
RETRY_SCHEDULE = named(
    "RETRY_SCHEDULE",
    lambda: parse_schedule(env.str("RETRY_SCHEDULE", default="5,30,2m,10m,30m,1h,2h,4h,8h,12h,24h,24h")),
)
COOL_DOWN_SECONDS = env.float("COOL_DOWN_SECONDS", default=10.0)
COOL_DOWN_MAX_SECONDS = env.float("COOL_DOWN_MAX_SECONDS", default=300.0)
LEASE_SECONDS = env.float("LEASE_SECONDS", default=45.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=3.0)
LOOK_SECONDS = env.float("LOOK_SECONDS", default=5.0)
VERIFICATION_FILE_PREFIX = env.str("VERIFICATION_FILE_PREFIX", default="marketingsuite-")
SECRET_OVERLAP_DAYS = env.int("SECRET_OVERLAP_DAYS", default=0)
FAILING_MAIL_SECONDS = env.float("FAILING_MAIL_SECONDS", default=86_400.0)
FAILING_STOP_SECONDS = env.float("FAILING_STOP_SECONDS", default=259_200.0)
HISTORY_DAYS = env.int("HISTORY_DAYS", default=90)
PARTITIONS_AHEAD_DAYS = env.int("PARTITIONS_AHEAD_DAYS", default=7)

# --- Mails to staff and to customers
DASHBOARD_URL = env.str("DASHBOARD_URL", default="http://localhost:8000").rstrip("/")
STAFF_EMAILS = env.list("STAFF_EMAILS", default=[])
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="marketingsuite@localhost")
vars().update(named("EMAIL_URL", lambda: mail_server(env.str("EMAIL_URL", default="consolemail://"))))
EMAIL_TIMEOUT = 10

# --- Tracked mail: what tracking.mailbackend.EmailBackend goes by
TRACKED_EMAIL_BACKEND = env.str("TRACKED_EMAIL_BACKEND", default="") or vars()["EMAIL_BACKEND"]
TRACKED_EMAIL_ACCOUNT = env.str("TRACKED_EMAIL_ACCOUNT", default="")
ENVELOPE_DOMAIN = env.str("ENVELOPE_DOMAIN", default="")

# --- The API
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)

# --- Mail that comes back
UNREAD_MAIL_DAYS = env.int("UNREAD_MAIL_DAYS", default=30)

# --- Operation
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_PORT = env.int("METRICS_PORT", default=0)
METRICS_HOST = env.str("METRICS_HOST", default="127.0.0.1")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env.str("SENTRY_ENVIRONMENT", default="production")

# --- Django
INSTALLED_APPS = [
    "marketingsuite.apps.MarketingSuiteConfig",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "marketingsuite.apps.DashboardConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "access",
    "profiles",
    "tracking",
    "feedbackloops",
    "staff",
    "api",
    "esp",
    # For the files of the page that describes the API.
    "ninja",
]
MIDDLEWARE = [
    "marketingsuite.headers.BrowserLimits",
    "django.middleware.security.SecurityMiddleware",
    "api.door.ApiDoor",
    "esp.door.EspDoor",
    "marketingsuite.staticfiles.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "staff.sessions.SessionLimits",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "marketingsuite.timezones.ViewerTimezone",
]
ROOT_URLCONF = "marketingsuite.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url("DATABASE_URL", engine="django.db.backends.postgresql")}
DATABASES["default"] |= {
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    # What stands behind the `?` of the URL goes before what stands here.
    "OPTIONS": {
        "connect_timeout": 3,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        # Keepalives don't count while data waits for its acknowledgement.
        "tcp_user_timeout": 15_000,
        # Django would rule out prepared statements; the engine's are, since planning one over all partitions takes
        # many times as long as running it.
        "prepare_threshold": 5,
        # A process that is frozen in the middle of a transaction must not hold its locks for ever. And one plan serves
        # a prepared statement, whatever its parameters.
        "options": "-c idle_in_transaction_session_timeout=30s -c plan_cache_mode=force_generic_plan -c timezone=UTC",
        **DATABASES["default"].get("OPTIONS", {}),
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = env.str("BROKER_URL", default="") or env.str("REDIS_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
_redis_options = {
    "socket_timeout": 10,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # A worker that can't acknowledge, since Redis died with its hands full, would never read from it again. A task that
    # is lost instead is one more ring for the sweep to make up for.
    "ack_emulation": False,
}
CELERY_BROKER_TRANSPORT_OPTIONS = _redis_options if CELERY_BROKER_URL.startswith("redis") else {}
# RabbitMQ would write each ring to its disk.
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
# Celery would close the database connection after each task; marketingsuite.celery looks after it instead.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "deliveries"
CELERY_TASK_ROUTES = {
    "fan_out": {"queue": "events"},
    "drain": {"queue": "events"},
    "sweep": {"queue": "events"},
    "mend_jumps": {"queue": "events"},
    "deliver": {"queue": "deliveries"},
    "look": {"queue": "looks"},
    "look_where_due": {"queue": "looks"},
    "call_test": {"queue": "looks"},
    "watch_loops": {"queue": "looks"},
    "count_ledger": {"queue": "looks"},
    "send_again": {"queue": "looks"},
    "forget": {"queue": "looks"},
    # Not with the looks, which wait for strangers.
    "keep_partitions": {"queue": "events"},
    "compact_counts": {"queue": "events"},
    "end_overlaps": {"queue": "events"},
    "forget_answers": {"queue": "events"},
}
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": seconds}
    for name, seconds in {
        "sweep": SWEEP_SECONDS,
        "mend_jumps": 20 * SWEEP_SECONDS,
        "look_where_due": LOOK_SECONDS,
        "watch_loops": 60.0,
        "count_ledger": 600.0,
        "keep_partitions": 3600.0,
        "compact_counts": 600.0,
        "end_overlaps": 3600.0,
        "forget_answers": 3600.0,
    }.items()
}
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Where a login leads that was opened by itself.
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = env.int("SESSION_IDLE_SECONDS", default=3600)
SESSION_SECONDS = env.int("SESSION_SECONDS", default=43_200)
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
LOGIN_TRIES_PER_USER = env.int("LOGIN_TRIES_PER_USER", default=10)
LOGIN_TRIES_PER_ADDRESS = env.int("LOGIN_TRIES_PER_ADDRESS", default=50)
LOGIN_WINDOW_SECONDS = env.int("LOGIN_WINDOW_SECONDS", default=900)
# Where logins are counted: Redis, also where the rings go through RabbitMQ.
THROTTLE_URL = next(
    (url for url in (env.str("REDIS_URL", default=""), CELERY_BROKER_URL) if url.startswith(("redis://", "rediss://"))),
    "",
)
REQUIRE_SECOND_FACTOR = env.bool("REQUIRE_SECOND_FACTOR", default=False)
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEVELOPMENT)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEVELOPMENT else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEVELOPMENT
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Of the API; the dashboard's own are shorter (marketingsuite.bodies).
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("API_BODY_BYTES", default=8_388_608)

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="en")
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
if DEVELOPMENT:
    # Nothing is collected there, but whitenoise warns of a folder that is missing.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = DEVELOPMENT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

LOG_FORMAT = named("LOG_FORMAT", lambda: logs.as_format(env.str("LOG_FORMAT", default="line")))
LOG_LEVEL = named("LOG_LEVEL", lambda: logs.as_level(env.str("LOG_LEVEL", default="INFO")))
_keys = [SECRET_KEY, *ENCRYPTION_KEYS, *key_from(os.environ, "TRACKING_KEYS", _made).replace(":", ",").split(",")]
_passwords = [DATABASES["default"]["PASSWORD"], unquote(urlsplit(CELERY_BROKER_URL).password or ""), METRICS_TOKEN]
# Taken out of log lines and reports, wherever they stand.
SECRETS = [*_keys, *_passwords]
LOGGING = logs.configuration(LOG_FORMAT, LOG_LEVEL, SECRETS)
