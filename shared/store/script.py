"""For migrations: run a script of several statements in the migration's own transaction."""

from alembic import op


def script(sql: str) -> None:
    """Run ``sql``, any number of statements, as PostgreSQL's simple protocol takes them."""
    adapted = op.get_bind().connection.dbapi_connection
    adapted.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]
