"""An error of a command on standard error: a line for people, or the API's form for programs."""

import sys

import typer

from policy.errors import RouterPolicyError

_Failure = RouterPolicyError | typer.TyperException | typer.Abort


def write_error(error: _Failure, *, as_json: bool) -> int:
    """Write an error on standard error and return the exit code of the command."""
    from console.error_kinds import FAILED, INVALID_REQUEST, error_kind

    if isinstance(error, typer.TyperException):
        text, exit_code, kind = error.format_message(), error.exit_code, INVALID_REQUEST
    else:
        kind = error_kind(error) if isinstance(error, RouterPolicyError) else FAILED
        text, exit_code = str(error) or "aborted", kind.exit_code
    sys.stderr.write(f"{_envelope(kind.code, text) if as_json else f'router-policy: {text}'}\n")
    return exit_code


def _envelope(code: str, text: str) -> str:
    from console.records.error_records import ErrorBody, ErrorEnvelope

    return ErrorEnvelope(error=ErrorBody(code=code, message=text)).model_dump_json()
