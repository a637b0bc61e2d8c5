"""An error as programs get it: the body of the API's error responses, and what a command prints with `--json`."""

from pydantic import BaseModel

from console.errors import SettingsError
from policy.errors import RouterPolicyError
from policy.rules import UnknownRuleSetError
from storage.errors import SchemaError, StoreUnavailableError

INVALID_REQUEST = "invalid_request"
FAILED = "failed"


class Problem(BaseModel):
    """One invalid part of a request: where it is, and what it should be."""

    where: str
    message: str


class ErrorBody(BaseModel):
    """What went wrong: a code for programs, a sentence for people, and each invalid parameter."""

    code: str
    message: str
    problems: list[Problem] = []


class ErrorEnvelope(BaseModel):
    """The body of every error response."""

    error: ErrorBody


def error_code(error: RouterPolicyError) -> str:
    """Return the code of an error of a command: that of the API, if the API has one for it, else `failed`."""
    if isinstance(error, UnknownRuleSetError):
        return "unknown_rules"
    if isinstance(error, (StoreUnavailableError, SchemaError)):
        return "unavailable"
    if isinstance(error, SettingsError):
        return INVALID_REQUEST
    return "not_found" if isinstance(error, LookupError) else FAILED
