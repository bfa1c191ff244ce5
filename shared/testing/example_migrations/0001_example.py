"""The example's read models."""

from shared.store.script import script

revision = "example_0001"
down_revision = None
branch_labels = ("example",)
depends_on = ("store_0001",)


def upgrade() -> None:
    """Create the tables in ``rm``, the first schema of the search path."""
    script(
        """
        create table errand (
            stream_id uuid primary key,
            household_id uuid not null,
            division text not null,
            open boolean not null,
            total bigint not null,
            notes jsonb not null,
            version integer not null,
            changed_on date not null,
            changed_at timestamptz not null
        );
        create unique index one_open_errand on errand (household_id) where open;
        create table errand_note (
            stream_id uuid not null,
            number integer not null,
            amount bigint not null,
            primary key (stream_id, number)
        );
        """
    )


def downgrade() -> None:
    """Read models are rebuilt, not taken back."""
    raise RuntimeError("no way back")
