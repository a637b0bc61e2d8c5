"""Messages of programs that run for long: lines for people on a terminal, one JSON object a line elsewhere."""

import json
import logging
import sys
from datetime import UTC, datetime

from console.terminal.unblocked import UnblockedHandler

FOR_PEOPLE = "%(asctime)s %(levelname)s %(message)s"


class JsonLines(logging.Formatter):
    """Writes an event as one line of JSON: `at` in UTC, `level`, `logger`, `event`, and `trace` after an exception.

    A record may bring more keys, or other values for these, as its attribute `fields`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; line breaks in the message are escaped."""
        event = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            event["trace"] = self.formatException(record.exc_info)
        return json.dumps(event)


def set_up_logs() -> None:
    """Send messages to standard error: for people if it is a terminal, else as JSON. They never wait for a reader."""
    handler = UnblockedHandler(sys.stderr.fileno())
    handler.setFormatter(logging.Formatter(FOR_PEOPLE) if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # It logs its socket, its start and its end; the console logs its address itself.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # It logs every step of an upgrade; the commands report that themselves.
    logging.getLogger("alembic").setLevel(logging.WARNING)
