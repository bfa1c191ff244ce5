"""Databases and roles: what must be there before the first migration, in every setting.

The owner runs migrations; the writer is the service, and owns nothing; the reader may look. The
migrations grant each what it may do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

SERVICES = ("alerts", "identification", "assistance", "audit")
"""The four services, in the order in which their events flow."""
SUPERUSER = "postgres"
EMBEDDED_BUS = "bus"
"""The embedded twin of Kafka has a database of its own."""


@dataclass(frozen=True)
class Tenant:
    """One database with its three roles."""

    name: str

    @property
    def database(self) -> str:
        """``dixian_alerts``."""
        return f"dixian_{self.name}"

    @property
    def owner(self) -> str:
        """Owns the tables; runs migrations only."""
        return f"{self.database}_owner"

    @property
    def writer(self) -> str:
        """The service."""
        return f"{self.database}_writer"

    @property
    def reader(self) -> str:
        """People and tools that only look."""
        return f"{self.database}_reader"

    @property
    def roles(self) -> tuple[str, str, str]:
        """Owner, writer, reader."""
        return (self.owner, self.writer, self.reader)


def tenants(*, embedded_bus: bool) -> tuple[Tenant, ...]:
    """One per service, and one for the embedded bus where there is one."""
    names = (*SERVICES, EMBEDDED_BUS) if embedded_bus else SERVICES
    return tuple(Tenant(name) for name in names)


async def provision(
    admin_url: str, wanted: Sequence[Tenant], password_of: Callable[[str], str]
) -> None:
    """Make what is missing of ``wanted`` and set every role's password. Idempotent.

    ``admin_url`` is a role's that may create roles and databases.
    """
    connection = await asyncpg.connect(admin_url)
    try:
        # Two processes may provision at once (a restarted migrate job): one after the other.
        await connection.execute("select pg_advisory_lock(20230731)")
        for tenant in wanted:
            for role in tenant.roles:
                await _role(connection, role, password_of(role))
            await _database(connection, tenant)
    finally:
        await connection.close()


async def give_password(admin_url: str, role: str, password: str) -> None:
    """Let ``role`` enter with ``password``: the superuser, where it must come over TCP."""
    connection = await asyncpg.connect(admin_url)
    try:
        await _run(connection, "alter role %I password %L", role, password)
    finally:
        await connection.close()


async def _role(connection: "asyncpg.Connection[Any]", role: str, password: str) -> None:
    exists = await connection.fetchval("select true from pg_roles where rolname = $1", role)
    verb = "alter" if exists else "create"
    await _run(connection, f"{verb} role %I login password %L", role, password)


async def _database(connection: "asyncpg.Connection[Any]", tenant: Tenant) -> None:
    if not await connection.fetchval(
        "select true from pg_database where datname = $1", tenant.database
    ):
        # An administrator that is no superuser must belong to the role it hands the database to.
        await _run(connection, "grant %I to current_user", tenant.owner)
        await _run(connection, "create database %I owner %I", tenant.database, tenant.owner)
    # A service that is broken into must not reach its neighbours' databases.
    await _run(connection, "revoke all on database %I from public", tenant.database)
    await _run(
        connection,
        "grant connect on database %I to %I, %I",
        tenant.database,
        tenant.writer,
        tenant.reader,
    )


async def _run(connection: "asyncpg.Connection[Any]", template: str, *names: str) -> None:
    """Run a statement that takes no parameters: PostgreSQL itself quotes the names."""
    slots = ", ".join(f"${number}::text" for number in range(2, len(names) + 2))
    statement = await connection.fetchval(f"select format($1, {slots})", template, *names)
    await connection.execute(statement)
