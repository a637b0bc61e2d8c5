"""`router-policy head`: the digest that stands for the whole history so far."""

import sys

from console.not_found import store_to_read
from console.options import Config
from console.settings.file import load
from storage.audit import chain


def command(config: Config = None) -> None:
    """Print the digest of the newest entry of the history; keep it elsewhere, for `verify --anchor`."""
    settings = load(config)
    with store_to_read(settings.store.url) as store, store.reading() as connection:
        digest = chain.head(connection).digest
    sys.stdout.write(digest + "\n")
