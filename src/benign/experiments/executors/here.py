"""Jobs run at once, in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic

from benign.experiments.executors.protocol import Answer, Shared, Value
from benign.experiments.executors.threads import one_thread
from benign.experiments.executors.travel import checked_shared


@dataclass(eq=False)
class Local(Generic[Value]):
    """The value itself, which stays where it is; and what another executor made of it, if jobs go there later."""

    value: Value
    elsewhere: Shared[Value] | None = None


class Here:
    """Runs a job while it is submitted: :meth:`submit` returns a future that is done.

    An ``Exception`` of the job goes into its future; ``KeyboardInterrupt`` and ``SystemExit`` are meant for this
    process and leave :meth:`submit`.
    """

    name = "here"
    slots = 1
    can_stop = False

    def share(self, value: Value) -> Shared[Value]:
        return Local(value)

    def submit(self, function: Callable[..., Answer], shared: Shared[Value], *arguments: object) -> Future[Answer]:
        value = checked_shared(shared, Local).value
        future: Future[Answer] = Future()
        future.set_running_or_notify_cancel()
        try:
            with one_thread():
                future.set_result(function(value, *arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def stop(self, future: Future[Answer]) -> None:
        """Do nothing: every future is done."""

    def shutdown(self, *, wait: bool = True) -> None:
        """Do nothing: nothing is held."""
