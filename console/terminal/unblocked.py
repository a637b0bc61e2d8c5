"""Messages to a stream that nobody may be reading: the program never waits for it."""

import logging
import os
import threading
from contextlib import suppress
from queue import Full, Queue

_WAITING_MESSAGES = 1000
_LAST_WORDS_SECONDS = 1.0


class UnblockedHandler(logging.Handler):
    """Writes messages to a file descriptor from a thread of its own.

    While nobody reads the other end, messages wait; beyond 1,000 they are dropped and counted. How many were dropped is
    the next message once somebody reads again.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: Queue[bytes] = Queue(_WAITING_MESSAGES)
        self.dropped_count = 0
        threading.Thread(target=self._write_lines, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a message, or count it as dropped."""
        if self.dropped_count and self._queue(self._dropped_record()):
            self.dropped_count = 0
        if not self._queue(record):
            self.dropped_count += 1

    def flush(self) -> None:
        """Wait until everything is written, but for a second at most."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(lambda: not self._lines.unfinished_tasks, _LAST_WORDS_SECONDS)

    def _queue(self, record: logging.LogRecord) -> bool:
        try:
            self._lines.put_nowait(f"{self.format(record)}\n".encode(errors="backslashreplace"))
        except Full:
            return False
        return True

    def _dropped_record(self) -> logging.LogRecord:
        text = "%d messages before this one were dropped: nobody read standard error"
        return logging.LogRecord(
            "router_policy.log", logging.WARNING, __file__, 0, text, (self.dropped_count,), exc_info=None
        )

    def _write_lines(self) -> None:
        """Write forever; not through the stream itself, whose lock would then be held when the process ends."""
        while True:
            line = self._lines.get()
            with suppress(OSError):  # the reader has gone for good
                while line:
                    line = line[os.write(self._descriptor, line) :]
            self._lines.task_done()
