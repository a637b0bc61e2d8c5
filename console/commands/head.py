"""`router-policy head`: the digest that stands for the whole history so far."""

from console.not_found import store_to_read
from console.options import AsJson, Config
from console.settings.file import load
from console.terminal.text import print_lines, print_record
from storage.audit import chain


def command(config: Config = None, as_json: AsJson = False) -> None:
    """Print the digest of the newest entry of the history; keep it elsewhere, for `verify --anchor`."""
    settings = load(config)
    with store_to_read(settings.store.url) as store, store.reading() as connection:
        head = chain.head(connection)
    if as_json:
        from console.records.run_records import HeadRecord

        print_record(HeadRecord(entry_id=head.entry_id, digest=head.digest))
        return
    print_lines([head.digest])
