"""An error of a command on standard error: a line for people, or the API's form for programs."""

import sys

import typer

from console.errors import SettingsError
from policy.errors import RouterPolicyError

_Failure = RouterPolicyError | typer.TyperException | typer.Abort


def write_error(error: _Failure, *, as_json: bool) -> int:
    """Write an error on standard error and return the exit code of the command."""
    text = error.format_message() if isinstance(error, typer.TyperException) else str(error) or "aborted"
    sys.stderr.write(f"{_envelope(error, text) if as_json else f'router-policy: {text}'}\n")
    return _exit_code(error)


def _exit_code(error: _Failure) -> int:
    if isinstance(error, typer.TyperException):
        return error.exit_code
    return 2 if isinstance(error, SettingsError) else 1


def _envelope(error: _Failure, text: str) -> str:
    from console.records.error_records import FAILED, INVALID_REQUEST, ErrorBody, ErrorEnvelope, error_code

    if isinstance(error, RouterPolicyError):
        code = error_code(error)
    else:
        code = INVALID_REQUEST if isinstance(error, typer.TyperException) else FAILED
    return ErrorEnvelope(error=ErrorBody(code=code, message=text)).model_dump_json()
