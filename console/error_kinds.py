"""What an error is for programs, on the command line and in the API alike."""

from dataclasses import dataclass

from console.errors import SettingsError
from policy.errors import RouterPolicyError
from policy.rules import UnknownRuleSetError
from storage.errors import SchemaError, StoreUnavailableError
from storage.write.overrides import OverrideError, OverrideOutdatedError


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorKind:
    """The code of an error, the status of the answer that the API gives, and the exit code of a command."""

    code: str
    status: int
    exit_code: int = 1


FAILED = ErrorKind(code="failed", status=500)
INVALID_REQUEST = ErrorKind(code="invalid_request", status=422, exit_code=2)
_UNKNOWN_RULES = ErrorKind(code="unknown_rules", status=409)
_OUTDATED = ErrorKind(code="outdated", status=412)
_NOT_FOUND = ErrorKind(code="not_found", status=404)
_UNAVAILABLE = ErrorKind(code="unavailable", status=503)

# The first that an error is one of; UnknownRuleSetError and NothingToOverrideError are a LookupError too.
_KINDS: tuple[tuple[type[Exception], ErrorKind], ...] = (
    (UnknownRuleSetError, _UNKNOWN_RULES),
    (LookupError, _NOT_FOUND),
    (OverrideOutdatedError, _OUTDATED),
    (OverrideError, INVALID_REQUEST),
    (SettingsError, INVALID_REQUEST),
    (StoreUnavailableError, _UNAVAILABLE),
    (SchemaError, _UNAVAILABLE),
)


def error_kind(error: RouterPolicyError) -> ErrorKind:
    """Return the kind of an error; an error without one of its own has failed."""
    return next((kind for error_type, kind in _KINDS if isinstance(error, error_type)), FAILED)
