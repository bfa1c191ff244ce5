"""Where a word stands is kept by block and word; the index over every entry's words is gone.

A search then reads a row a block and word, however common or rare the words are. Everything here is
derived: the indexer makes it anew from the first entry on.
"""

from alembic import context

from shared.store.script import script

revision = "audit_0008"
down_revision = "audit_0007"
branch_labels = None
depends_on = None

TABLES = """
truncate audit.entry_words, audit.entry_block, audit.indexed;
drop index audit.entry_words_words;
alter table audit.entry_block drop column words;

create table audit.block_word (
    log_id integer not null,
    word integer not null,
    block bigint not null,
    places bytea not null,
    primary key (log_id, word, block) include (places)
);
-- Some 512 bytes at most, which do not compress. The key carries them, so that those of a word lie
-- side by side and are read together.
alter table audit.block_word alter column places set storage plain;
"""
GRANTS = """
grant select, insert, update, delete on audit.block_word to {writer};
grant select on audit.block_word to {reader};
"""


def upgrade() -> None:
    """Create the table; what was derived before is made anew."""
    script(TABLES)
    script(GRANTS.format(**context.config.attributes["roles"]))


def downgrade() -> None:
    """Not taken back."""
    raise RuntimeError("the words stay")
