"""Which files a service keeps, in its schema ``rm``; how the table follows from the streams."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from shared.evidence.stream import Kept
from shared.kernel.event import Event, Recorded
from shared.store.views import Row, View

metadata = sa.MetaData()

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("stream_id", UUID(), primary_key=True),
    sa.Column("owner_id", UUID(), nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("kept_by", sa.Text, nullable=False),
    sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("evidence_owner", "owner_id", "sha256", unique=True),
)


def _rows(kept: Kept, last: Recorded[Event]) -> Sequence[Row]:
    return [
        {
            "stream_id": last.stream_id,
            "owner_id": kept.owner_id,
            "sha256": kept.sha256,
            "media_type": kept.media_type,
            "size": kept.size,
            "kept_by": last.metadata.actor,
            "kept_at": last.recorded_at,
        }
    ]


EVIDENCE_VIEW: View[Kept] = View(evidence, "evidence", _rows)
