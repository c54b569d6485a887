"""What the JSON body about measurements holds."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from gateway.api.requests import RequestModel

VALUES_MAX: Final = 50
"""How many values of one kind a report may have."""
MS_MAX: Final = 600_000
SHIFT_MAX: Final = 100

Milliseconds = Annotated[float, Field(ge=0, le=MS_MAX, allow_inf_nan=False)]
Shift = Annotated[float, Field(ge=0, le=SHIFT_MAX, allow_inf_nan=False)]
Times = Annotated[list[Milliseconds], Field(max_length=VALUES_MAX)]
Shifts = Annotated[list[Shift], Field(max_length=VALUES_MAX)]


class MeasurementsRequest(RequestModel):
    """What one application measured since its last report; nothing of whom, where or what."""

    opened_ms: Times = Field([], description="From opening a score to the server's state.")
    edit_shown_ms: Times = Field([], description="From an edit to the next frame after it.")
    edit_saved_ms: Times = Field([], description="From an edit to its acknowledgement.")
    away_ms: Times = Field([], description="From losing the connection to having it again.")
    first_byte_ms: Times = Field([], description="Web vital TTFB.")
    first_paint_ms: Times = Field([], description="Web vital FCP.")
    largest_paint_ms: Times = Field([], description="Web vital LCP.")
    interaction_ms: Times = Field([], description="Web vital INP.")
    layout_shift: Shifts = Field([], description="Web vital CLS, a number without unit.")
