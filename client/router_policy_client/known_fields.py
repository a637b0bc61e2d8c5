"""The fields of a log line that are known: the others are left out of it."""


def known_fields(**fields: object) -> dict[str, object]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
