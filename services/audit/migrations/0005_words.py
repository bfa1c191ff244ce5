"""What entries are found by moves out of the append: words are indexed behind it.

What is common is walked to block by block, what is rare is looked up. Four indexes that every
append paid for are gone.
"""

from alembic import context

from shared.store.script import script

revision = "audit_0005"
down_revision = "audit_0004"
branch_labels = None
depends_on = None

TABLES = """
drop index audit.entry_actor;
drop index audit.entry_type;
drop index audit.entry_region;
drop index audit.entry_recorded_at;

create table audit.entry_words (
    log_id integer not null,
    idx bigint not null,
    words integer[] not null,
    primary key (log_id, idx)
);
create index entry_words_words on audit.entry_words using gin (words);
-- Whole blocks of 4,096 entries: which times and which words each one has.
create table audit.entry_block (
    log_id integer not null,
    block bigint not null,
    earliest timestamptz not null,
    latest timestamptz not null,
    words integer[] not null,
    primary key (log_id, block)
);
create index entry_block_words on audit.entry_block using gin (words);
create table audit.indexed (log_id integer primary key, size bigint not null)
    with (fillfactor = 50);
"""
GRANTS = """
grant select, insert, update, delete on audit.entry_words, audit.entry_block, audit.indexed
    to {writer};
grant select on audit.entry_words, audit.entry_block, audit.indexed to {reader};
"""


def upgrade() -> None:
    """Create the tables; the indexer fills them from the first entry on."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Not taken back."""
    raise RuntimeError("the words stay")
