"""The figures on a port of their own: whichever process of the host gets it serves those of all of them."""

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep
from typing import Any, Final

from django.conf import settings

from marketingsuite.metrics import CONTENT_TYPE, exposition_for_thread

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 10.0


def start() -> None:
    """Serve /metrics on METRICS_PORT, if that is set, from now on or as soon as the port is free."""
    if settings.METRICS_PORT:
        threading.Thread(target=_serve_for_ever, name="metrics-port", daemon=True).start()


def _serve_for_ever() -> None:
    while True:
        try:
            with ThreadingHTTPServer((settings.METRICS_HOST, settings.METRICS_PORT), Handler) as server:
                server.serve_forever()
        except OSError as error:
            # Usually another process of this host has it; the one that is left serves on.
            logger.debug("METRICS_PORT can't be had: %s", error)
        sleep(RETRY_SECONDS)


class Handler(BaseHTTPRequestHandler):
    """Answers GET /metrics."""

    server_version, sys_version = "MarketingSuite", ""
    timeout = 10

    def do_GET(self) -> None:
        """The figures."""
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        body = exposition_for_thread()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Each scrape would be a line."""
        logger.debug(format, *args)
