"""The table ``[execution]`` of an experiment: nothing in it changes a number of its surface."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from benign.experiments.declaration.plain import absolute

_ADDRESS = re.compile(r"[A-Za-z][\w+.-]*:")  # postgresql://..., sqlite:///...

Text = Annotated[str, Field(strict=True, min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]


def _absolute_store(store: str) -> str:
    """A file's path made absolute; ``:memory:`` and the addresses of servers are left alone."""
    return store if is_no_path(store) else absolute(store)


def is_no_path(store: str) -> bool:
    """Whether a store is no file's path but an address, or in memory."""
    return store == ":memory:" or _ADDRESS.match(store) is not None


class DeclaredEnvironment(BaseModel):
    """The table ``[execution]``: what of :class:`~benign.experiments.environment.Environment` can be written down.

    Attributes:
        executor: ``"here"``, ``"processes"`` or ``"ray"``; None for ``"processes"``.
        workers: processes; None for as many as there are processors.
        address: of a Ray cluster; None starts one on this machine.
        cpus_per_job: processors that Ray reserves for a job.
        gpus_per_job: GPUs likewise; a fraction shares one.
        minutes_per_job: a job that takes longer is stopped, where the executor can.
        attempts: how often a job that dies is tried.
        store: path of a file, or address of a server; None for the default store.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    executor: Literal["here", "processes", "ray"] | None = Field(
        default=None, description='"here", "processes" or "ray"'
    )
    workers: Annotated[int, Field(strict=True, ge=1)] | None = Field(default=None, description="a positive integer")
    address: Text | None = Field(default=None, description="the address of a Ray cluster as text")
    cpus_per_job: Positive = Field(default=1.0, description="a positive number")
    gpus_per_job: Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0)] = Field(
        default=0.0, description="a number of at least 0"
    )
    minutes_per_job: Positive | None = Field(default=None, description="a positive number")
    attempts: Count = Field(default=3, description="a positive integer")
    store: Annotated[Text, AfterValidator(_absolute_store)] | None = Field(
        default=None, description="the path of a file, or postgresql://user:password@host/database"
    )

    @property
    def seconds_per_job(self) -> float | None:
        """``minutes_per_job`` in seconds."""
        return None if self.minutes_per_job is None else 60.0 * self.minutes_per_job
