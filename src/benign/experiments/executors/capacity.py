"""How many workers this machine can hold."""

from __future__ import annotations

from loky import cpu_count  # type: ignore[import-untyped]

from benign.foundation.errors import invalid
from benign.foundation.memory import available_bytes
from benign.foundation.numbers import checked_count

_WORKER_BYTES = 64 * 2**20  # the least that a process with the numerical libraries takes for itself
_LEAST = 8  # for each processor: who asks for more than these must have the memory


def checked_workers(workers: object) -> int:
    """The number of workers, if this machine can hold them.

    Raises:
        InvalidArgument: unless it is a positive integer, and not far beyond the processors and the free memory.
    """
    asked, free = checked_count("workers", workers), available_bytes()
    most = max(_LEAST * cpu_count(), free // _WORKER_BYTES)
    if asked > most:
        raise invalid(
            "workers",
            f"must be at most {most:,} here, got {asked:,}: each is a process of 64 MiB and more, and "
            f"{free / 2**30:.1f} GiB are free; {cpu_count()} are as many as there are processors.",
        )
    return asked
