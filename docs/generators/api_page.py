"""The API on one page, from what the application says of itself.

python -m docs.generators.api_page > docs/api.md
"""

import json
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

from console.web.app import create_app
from jobs.analysis.health import WatchedScope
from jobs.slots import Slots
from storage.store import Store

_HEAD = """\
# The API

<!-- Made by `python -m docs.generators.api_page > docs/api.md`; not to be edited. -->

`router-policy web` serves it beside the pages; it only reads. `/v1/openapi.json` says the same for programs.

- Times are ISO 8601 in UTC. A time that is asked for may have another zone, and is in UTC where it names none.
- A list has `items`, and in `next` the address of its next page, null on the last; the header `Link` names it too.
- The latest policies have an `ETag`: send it in `If-None-Match`, and while nothing changes the answer is 304, without a
  body. `stale_at` and `expired_at` say how long they are good for, so that no clock but yours is needed.
- Where a description says None, the answer has null.
- Where `web.token` is set, every request but `/healthz` and `/readyz` needs `Authorization: Bearer TOKEN`; browsers ask
  for it as a password.
- A symbol may hold slashes, encoded (`BTC%2FUSDT`) or not.
- 304: not modified. 404: there is nothing of that name. 409: this program does not have the rules that decided then.
  422: a parameter is wrong. 500: a fault. 503: the database cannot be used, or is not set up. 504: no answer in time.
- Whatever is no success has one form, with each wrong parameter among its `problems`:

```json
{"error": {"code": "not_found", "message": "no policy for 'XYZ' in scope 'default'", "problems": []}}
```"""
Schema = dict[str, Any]


def api_page() -> str:
    """Return docs/api.md: every address with its parameters and answers, then every record with its fields."""
    document = openapi()
    schemas: Schema = document["components"]["schemas"]
    paths = [line for path, methods in document["paths"].items() for line in _path(path, methods["get"])]
    records = [line for name in sorted(schemas) if schemas[name].get("properties") for line in _record(name, schemas)]
    return "\n".join([_HEAD, "", "## Addresses", *paths, "", "## Records", *records]) + "\n"


def openapi() -> Schema:
    """Return the application's own description; nothing is asked of a database for it."""
    with TemporaryDirectory() as folder, Store(f"sqlite:///{folder}/none.db") as store:
        return create_app(WatchedScope(store=store, scope="default", slots=Slots("*/15 * * * *"))).openapi()


def _path(path: str, operation: Schema) -> Iterator[str]:
    yield from ("", f"### GET {path}", "", *operation["description"].splitlines())
    if parameters := operation.get("parameters"):
        yield from ("", "| parameter | type | what it is |", "|---|---|---|")
        for one in parameters:
            yield f"| `{one['name']}` | {_type(one['schema'])} | {_parameter(one)} |"
    answers = operation["responses"]
    yield from ("", f"Answer: {_kinds(answers['200'])}.", f"Else: {', '.join(sorted(set(answers) - {'200'}))}.")


def _parameter(one: Schema) -> str:
    said = one.get("description", "")
    return f"{said} By default {json.dumps(one['schema']['default'])}." if "default" in one["schema"] else said


def _kinds(answer: Schema) -> str:
    return " or ".join(
        _type(content["schema"]) if kind == "application/json" else f"`{kind}`"
        for kind, content in answer["content"].items()
    )


def _record(name: str, schemas: Schema) -> Iterator[str]:
    schema = schemas[name]
    yield from ("", f"### {name}", "", *schema["description"].splitlines(), "", "| field | type | |", "|---|---|---|")
    for field, said in schema["properties"].items():
        example = f"such as `{json.dumps(said['examples'][0])}`" if said.get("examples") else ""
        yield f"| `{field}` | {_type(said)} | {' '.join(filter(None, (said.get('description'), example)))} |"


def _type(schema: Schema) -> str:
    """Say a schema's type in words; another record as a link to it."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if kinds := schema.get("anyOf"):
        return " or ".join(map(_type, kinds))
    if words := schema.get("enum"):
        return ", ".join(f"`{word}`" for word in words)
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if schema.get("type") == "object":
        return "object"
    kind = str(schema.get("format", schema.get("type", "any")))
    bounds = [f"{schema[name]}" for name in ("minimum", "maximum") if name in schema]
    return f"{kind} {' to '.join(bounds)}" if bounds else kind


if __name__ == "__main__":
    sys.stdout.write(api_page())
