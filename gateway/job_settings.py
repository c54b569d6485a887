"""The settings of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field

from collab.limits import MIB
from gateway.setting_types import Bytes, OnOff

_DAY_S: Final = 86_400


def _checked_queue(text: str) -> str:
    if text in {"auto", "sqs:"} or text.startswith("sqs://"):
        return text
    raise ValueError("should be auto, sqs: or sqs://<region>/<queue>")


class JobSettings(BaseModel):
    """Jobs."""

    jobs: OnOff = Field(
        default=True,
        description="Whether this process does jobs itself (engraving, sound); with off, start "
        "bandpro worker.",
    )
    jobs_at_once: int = Field(
        1, ge=1, le=64, description="Jobs at the same time, each with a tool process of its own."
    )
    jobs_queue: Annotated[str, AfterValidator(_checked_queue)] = Field(
        "auto",
        description="What tells workers of new jobs: auto (the bus if it is a single Redis, "
        "otherwise a look every few seconds), sqs: or sqs://<region>/<queue>.",
    )
    jobs_attempts_max: int = Field(
        4, ge=1, le=100, description="How often a job is begun before it counts as failed."
    )
    jobs_waiting_max: int = Field(
        1_000, ge=1, le=1_000_000, description="Jobs of one subject that may wait."
    )
    jobs_kept_s: int = Field(
        _DAY_S,
        ge=60,
        le=365 * _DAY_S,
        description="How long a job that has ended, and the files it made, are kept.",
    )
    job_link_s: int = Field(
        3_600,
        ge=1,
        le=7 * _DAY_S,
        description="How long a link to a file that a job made is good; whoever has it needs no "
        "token.",
    )
    tool_cpu_s: int = Field(
        60, ge=1, le=3_600, description="Processor time of a tool; by the clock it has twice that."
    )
    tool_memory_bytes: Bytes = Field(
        2048 * MIB, ge=256 * MIB, description="Memory (address space) of a tool."
    )
    soundfont: Path | None = Field(
        None, description="File with the instruments; otherwise one that the system has."
    )
