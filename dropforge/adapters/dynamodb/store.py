"""The metadata store as the use cases know it, put together from its parts."""

from __future__ import annotations

from dropforge.adapters.dynamodb.announcements import DynamoAnnouncements
from dropforge.adapters.dynamodb.catalog import DynamoCatalog
from dropforge.adapters.dynamodb.congestion import DynamoCongestion
from dropforge.adapters.dynamodb.pauses import DynamoPauses
from dropforge.adapters.dynamodb.pools import DynamoPools
from dropforge.adapters.dynamodb.rebuilds import DynamoRebuilds
from dropforge.adapters.dynamodb.runs import DynamoRuns
from dropforge.adapters.dynamodb.seal_timers import DynamoSealTimers


class DynamoMetadataStore(
    DynamoRuns,
    DynamoCatalog,
    DynamoPools,
    DynamoSealTimers,
    DynamoRebuilds,
    DynamoPauses,
    DynamoCongestion,
    DynamoAnnouncements,
):
    """Implements `ports.MetadataStore` on the two tables."""
