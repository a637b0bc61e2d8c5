"""The console's own scripts, styles and pictures."""

import os
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"


class ConsoleFiles(StaticFiles):
    """Serves `STATIC` with weak tags: a file is sent compressed or not, and a strong tag would be of one of them."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Respond with a file, or with 304 if the client has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["ETag"] = f"W/{response.headers['ETag']}"
        return response
