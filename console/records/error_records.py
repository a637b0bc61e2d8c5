"""An error as programs get it: the body of the API's error responses, and what a command prints with `--json`."""

from pydantic import BaseModel


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
