"""Run migrations on the connection that the store hands over, inside its transaction."""

from alembic import context

from storage.schema.tables import metadata
from storage.schema.upgrade import is_compared

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    include_object=is_compared,
)
context.run_migrations()
