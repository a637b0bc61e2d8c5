"""What programs get: the records of the API, which commands print with `--json` as well."""
