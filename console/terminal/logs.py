"""Messages of programs that run for long: lines for people on a terminal, one JSON object a line elsewhere."""

import json
import logging
import sys
from datetime import UTC, datetime

FOR_PEOPLE = "%(asctime)s %(levelname)s %(message)s"


class JsonLines(logging.Formatter):
    """Writes an event as one line of JSON: `at` in UTC, `level`, `logger`, `event`, and `trace` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, whatever stands in the message: a line break in it does not begin another."""
        event = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            event["trace"] = self.formatException(record.exc_info)
        return json.dumps(event)


def set_up_logs() -> None:
    """Send messages to standard error, in the form for whoever reads there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FOR_PEOPLE) if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # It says on which socket it listens, which the address says already, and each start and end of its own.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # It tells every step of setting a store up, which is ours to tell of.
    logging.getLogger("alembic").setLevel(logging.WARNING)
