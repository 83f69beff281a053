"""How many jobs are done and failed, counted as their units settle, wherever they ran."""

from __future__ import annotations

from collections.abc import Iterable

from benign.experiments.listener import Progressed
from benign.experiments.planning import Plan
from benign.experiments.states import State


class Tally:
    """A job is settled once all its units are; it has failed if one of them has."""

    def __init__(self, plan: Plan) -> None:
        self._job_of = {unit: position for position, job in enumerate(plan.jobs) for unit in job.units}
        self._left = [len(job.units) for job in plan.jobs]
        self._failing: set[int] = set()
        self._total, self._failed = plan.total, 0
        self._done = plan.total - len(plan.jobs)
        self.settle((unit for unit, state in plan.states.items() if state is State.FAILED), has_failed=True)

    def settle(self, units: Iterable[int], *, has_failed: bool) -> None:
        """These units are done or failed for good."""
        for unit in units:
            position = self._job_of.pop(unit, None)
            if position is None:
                continue
            if has_failed:
                self._failing.add(position)
            self._left[position] -= 1
            if not self._left[position]:
                self._failed += position in self._failing
                self._done += position not in self._failing

    def progress(self, seconds: float) -> Progressed:
        """Where the run stands."""
        return Progressed(done=self._done, failed=self._failed, total=self._total, seconds=seconds)
