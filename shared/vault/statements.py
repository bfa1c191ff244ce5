"""The vault's SQL. Batches go as arrays: one statement for many rows."""

_RECORDS = """
select r.id, r.owner, r.kind, r.nonce, r.ciphertext, k.wrapped, k.master_key_id, k.cipher
from vault.record r join vault.data_key k on k.owner = r.owner
"""
BY_ID = _RECORDS + "where r.id = any($1::uuid[])"
BY_OWNER = _RECORDS + "where r.owner = $1 and ($2::text is null or r.kind = $2) order by r.id"
KEYS = """
select owner, wrapped, master_key_id, cipher from vault.data_key where owner = any($1::uuid[])
"""
MAKE_KEYS = """
insert into vault.data_key (owner, wrapped, master_key_id, cipher, created_at)
select owner, wrapped, master_key_id, $4, $5
from unnest($1::uuid[], $2::bytea[], $3::text[]) as made (owner, wrapped, master_key_id)
on conflict (owner) do nothing returning owner
"""
# The update's condition keeps a record with its owner and kind: they are bound into the ciphertext.
PUT = """
with written as (
    insert into vault.record (id, owner, kind, nonce, ciphertext, updated_at)
    select id, owner, kind, nonce, ciphertext, $6
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[])
        as sealed (id, owner, kind, nonce, ciphertext)
    on conflict (id) do update
        set nonce = excluded.nonce, ciphertext = excluded.ciphertext,
            updated_at = excluded.updated_at
        where record.owner = excluded.owner and record.kind = excluded.kind
    returning 1
)
select count(*) from written
"""
LOCK_KEY = "select wrapped, master_key_id from vault.data_key where owner = $1 for update"
SHRED = """
update vault.data_key set wrapped = null, shredded_at = $2
where owner = $1 and shredded_at is null
"""
OLDER_KEYS = """
select owner, wrapped, master_key_id from vault.data_key
where master_key_id <> $1 and wrapped is not null
order by owner limit $2 for update skip locked
"""
REWRAP = """
update vault.data_key k set wrapped = made.wrapped, master_key_id = $3
from unnest($1::uuid[], $2::bytea[]) as made (owner, wrapped)
where k.owner = made.owner
"""
REVEAL = """
insert into vault.reveal
    (id, at, actor, actor_division, actor_roles, purpose, owner, records, fields, correlation_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
