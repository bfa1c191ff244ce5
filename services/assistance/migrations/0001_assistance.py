"""The read models of assistance."""

from shared.store.script import script

revision = "assistance_0001"
down_revision = None
branch_labels = ("assistance",)
depends_on = ("store_0001",)

TABLES = """
create table rm.policy (
    stream_id uuid primary key,
    version text not null,
    division text not null,
    effective_from date not null,
    data jsonb not null
);
create table rm.plan (
    stream_id uuid primary key,
    version integer not null,
    case_id uuid not null,
    household_id uuid not null,
    region text not null,
    stage text not null,
    urgent boolean not null,
    category text,
    members integer,
    labour_capable boolean,
    identified_on date,
    approved_on date,
    submitted boolean not null,
    submitted_on date,
    measures integer not null,
    development_measures integer not null,
    implemented_measures integer not null,
    due_on date not null,
    eliminated_on date,
    detail jsonb not null
);
create unique index plan_case_id on rm.plan (case_id);
create index plan_household_id on rm.plan (household_id);
create index plan_region on rm.plan (region text_pattern_ops);
create index plan_due_on on rm.plan (due_on);

create table rm.measure (
    stream_id uuid not null,
    measure_id uuid not null,
    case_id uuid not null,
    household_id uuid not null,
    region text not null,
    kind text not null,
    fund text not null,
    department text not null,
    risks jsonb not null,
    status text not null,
    development boolean not null,
    provisional boolean not null,
    filed_on date not null,
    started_on date,
    finished_on date,
    ends_on date,
    due_on date not null,
    amount bigint not null,
    paid bigint not null,
    quantity bigint not null,
    stop_reason text,
    primary key (stream_id, measure_id)
);
create index measure_region on rm.measure (region text_pattern_ops);
create index measure_status_due_on on rm.measure (status, due_on);

create table rm.elimination (
    stream_id uuid primary key,
    version integer not null,
    plan_id uuid not null,
    case_id uuid not null,
    household_id uuid not null,
    region text not null,
    number integer not null,
    mode text not null,
    status text not null,
    early boolean not null,
    proposed_on date not null,
    eliminated_on date,
    detail jsonb not null
);
create unique index elimination_case_id_number on rm.elimination (case_id, number);
create unique index elimination_one_open_a_case on rm.elimination (case_id) where status = 'OPEN';
create index elimination_region on rm.elimination (region text_pattern_ops);
create index elimination_eliminated_on on rm.elimination (eliminated_on);

create table rm.no_labour (
    stream_id uuid primary key,
    household_id uuid not null,
    region text not null,
    basis text not null,
    flagged boolean not null,
    mismatch text,
    compared text not null
);
create unique index no_labour_household_id on rm.no_labour (household_id);
create index no_labour_region on rm.no_labour (region text_pattern_ops);

create table rm.population (
    stream_id uuid not null,
    year integer not null,
    region text not null,
    people integer not null,
    primary key (stream_id, year, region)
);
create index population_region on rm.population (region text_pattern_ops);

create table rm.ledger (
    stream_id uuid not null,
    region text not null,
    primary key (stream_id, region)
);
create index ledger_region on rm.ledger (region text_pattern_ops);

create table rm.off_register (
    stream_id uuid primary key,
    household_id uuid not null,
    region text not null,
    times integer not null,
    last_kind text not null,
    last_on date not null
);
create index off_register_region on rm.off_register (region text_pattern_ops);
"""


def upgrade() -> None:
    """Create the tables."""
    script(TABLES)


def downgrade() -> None:
    """Read models follow from the events; drop them by hand if you must."""
    raise RuntimeError("the read models have no way back")
