"""Which run is to be signed: said by our own event of its end, or by the sweep."""

from __future__ import annotations

from dropforge.adapters.events.members import parsed, required
from dropforge.domain.state_change import DETAIL_TYPE


def run_to_sign_in(body: str) -> str:
    message = parsed(body)
    return str(
        required(message, "detail", "run") if message.get("detail-type") == DETAIL_TYPE else required(message, "run")
    )
