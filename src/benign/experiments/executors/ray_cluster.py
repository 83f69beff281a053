"""Jobs run on a Ray cluster, or on a Ray that is started on this machine. The only module that imports Ray."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from functools import partial
from threading import Event, RLock, Thread, Timer
from types import ModuleType
from typing import Any, Generic, cast, no_type_check
from uuid import uuid4

from loky import cpu_count  # type: ignore[import-untyped]

from benign.experiments.executors.protocol import Answer, JobStopped, NodeDied, Shared, Value, WorkerDied
from benign.experiments.executors.threads import worker_environment
from benign.experiments.executors.travel import Unpicklable, checked_shared, fail, pack_call, pack_value, settle
from benign.foundation.errors import BenignError, InvalidArgument, invalid
from benign.foundation.extras import require
from benign.foundation.numbers import checked_number
from benign.foundation.progress import doing

# Read by Ray when it is imported: it tells nobody that it is used, and prints nothing on our standard output.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "^"}
# Likewise, unless the user has set them: to be refused by a cluster takes seconds, not minutes, and one line.
_BRIEF = {"RAY_NUM_REDIS_GET_RETRIES": "5", "RAY_py_gcs_connect_timeout_s": "5"}
_ANSWERS_IN_SECONDS = 5.0
_COUNTED_FOR_SECONDS = 1.0
_LOST_AFTER_SECONDS = 20.0
_ASKED_AGAIN_AFTER_SECONDS = 1.0
# HTTP/2: the client's preface and empty settings; the length of a frame's head, and the kind that it names.
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_FRAME_BYTES, _SETTINGS = 9, b"\x04"
# Addresses of what was started on this machine: it does not grow.
_started: set[str] = set()


class ClusterLost(BenignError, ConnectionError):
    """A cluster that has died while jobs ran on it."""


@dataclass(frozen=True, eq=False)
class InStore(Generic[Value]):
    """A value in Ray's object store, as bytes.

    Ray could give workers a view of the arrays in its store, but a view that cannot be written to: a job that writes
    would fail on Ray alone.
    """

    token: str
    reference: object


@dataclass(kw_only=True, eq=False)
class _Task:
    reference: object
    future: Future[object] = field(default_factory=Future)
    stopped: bool = False


class Ray:
    """Runs each job as a Ray task, once: whether a job that died is tried again is for the driver to decide.

    Ray, once started or joined, stays until this process ends, for the next executor. A value is shipped once to each
    node; each worker keeps a copy of its own of the last two.

    Args:
        address: ``"auto"`` or ``host:port`` of a running cluster. None: the Ray that this process has joined, else the
            cluster that the environment variable ``RAY_ADDRESS`` names, else a new Ray on this machine.
        cpus_per_job: processors that a job keeps from others. It gets one thread for linear algebra all the same.
        gpus_per_job: GPUs that a job keeps from others, or a fraction of one.

    Raises:
        MissingExtra: if Ray is not installed.
        InvalidArgument: if no cluster answers at the address, if this process belongs to another one, or if a Ray on
            this machine has too few processors or GPUs for a job.
    """

    name = "ray"
    can_stop = True

    def __init__(self, address: str | None = None, *, cpus_per_job: float = 1, gpus_per_job: float = 0) -> None:
        self._needs = {"CPU": checked_number("cpus_per_job", cpus_per_job)}
        if self._needs["CPU"] <= 0.0:
            raise invalid("cpus_per_job", f"must be positive, got {cpus_per_job!r}.")
        if checked_number("gpus_per_job", gpus_per_job) < 0.0:
            raise invalid("gpus_per_job", f"must be zero or positive, got {gpus_per_job!r}.")
        if gpus_per_job:
            self._needs["GPU"] = float(gpus_per_job)
        self._ray = _joined(address)
        self._perform = self._ray.remote(_performer()).options(
            num_cpus=cpus_per_job, num_gpus=gpus_per_job, max_retries=0, retry_exceptions=False, name="benign"
        )
        self._lock = RLock()  # Ray's answers come in a thread of its own
        self._tasks: dict[Future[object], _Task] = {}
        self._waiting: deque[_Task] = deque()
        self._address = str(self._ray.get_runtime_context().gcs_address)
        self._ended = Event()
        self._count()
        if self._at_once == 0 and self._address in _started:
            raise InvalidArgument(
                f"`cpus_per_job` and `gpus_per_job` ask for {self._needs}, which is more than this machine has; lower "
                "them, or join a cluster with `address`."
            )
        Thread(target=self._watch, name="benign ray", daemon=True).start()

    @property
    def slots(self) -> int:
        """Half as many again as can run at once, so that no worker waits for the driver. Which of them run, only Ray
        knows; a future's ``running()`` assumes that they start in the order of submission.

        Raises:
            ClusterLost: if the cluster has not answered for some time.
        """
        if self._is_lost:
            raise ClusterLost(
                f"The Ray cluster at {self._address} does not answer any more; start it again or choose another"
                " executor, then start the same again: what is measured is kept."
            )
        return max(2, self._at_once + math.ceil(self._at_once / 2))

    def share(self, value: Value) -> Shared[Value]:
        return InStore[Value](uuid4().hex, self._ray.put(pack_value(value)))

    def submit(self, function: Callable[..., Answer], shared: Shared[Value], *arguments: object) -> Future[Answer]:
        stored = checked_shared(shared, InStore)
        try:
            call = pack_call(function, arguments)
        except Unpicklable as error:
            failed: Future[Answer] = Future()
            failed.set_exception(error)
            return failed
        # In a list, the reference is passed on as it is; alone, Ray would load the value for every job.
        task = _Task(reference=self._perform.remote(call, stored.token, [stored.reference]))
        with self._lock:
            self._tasks[task.future] = task
            self._waiting.append(task)
            self._admit()
        task.future.add_done_callback(partial(self._recall, task))
        cast("Any", task.reference).future().add_done_callback(partial(self._arrived, task))
        return cast("Future[Answer]", task.future)

    def stop(self, future: Future[Answer]) -> None:
        task = self._tasks.get(cast("Future[object]", future))
        if task is not None:
            task.stopped = True
            self._cancel(task)

    def shutdown(self, *, wait: bool = True) -> None:
        self._ended.set()
        if wait:
            wait_for(list(self._tasks))
        else:
            for future in list(self._tasks):
                self.stop(future)

    def _count(self) -> None:
        self._at_once = sum(_fitting(self._needs, node["Resources"]) for node in self._ray.nodes() if node["Alive"])
        self._counted = time.monotonic()

    @property
    def _is_lost(self) -> bool:
        return not self._ended.is_set() and time.monotonic() - self._counted > _LOST_AFTER_SECONDS

    def _watch(self) -> None:
        """Look what the cluster has room for, in a thread of its own: where the cluster has died, Ray does not answer,
        and after a minute it ends the whole process.
        """
        while not self._ended.wait(_COUNTED_FOR_SECONDS) and self._ray.is_initialized():
            with contextlib.suppress(Exception):  # whatever it is, it is no answer, and the next look may get one
                _open(self._address).close()
                self._count()

    def _recall(self, task: _Task, future: Future[object]) -> None:
        """What was cancelled while it waited need not be run."""
        if future.cancelled():
            self._cancel(task)

    def _cancel(self, task: _Task) -> None:
        """Ask Ray until it has obeyed: a worker that is just starting the task says that it did, and goes on."""
        if task.future not in self._tasks or not self._ray.is_initialized():
            return
        if not self._is_lost:  # then Ray would not answer
            self._ray.cancel(task.reference, force=True)
        again = Timer(_ASKED_AGAIN_AFTER_SECONDS, self._cancel, [task])
        again.daemon = True
        again.start()

    def _arrived(self, task: _Task, outcome: Future[bytes]) -> None:
        with self._lock:
            del self._tasks[task.future]
            if task in self._waiting:  # it overtook another
                self._waiting.remove(task)
                task.future.set_running_or_notify_cancel()
            self._admit()
        error = outcome.exception()
        if error is None:
            settle(task.future, outcome.result())
        else:
            fail(task.future, JobStopped("The job was stopped.") if task.stopped else translated(error))

    def _admit(self) -> None:
        """Call as many tasks running as can be. Asks Ray nothing: its own thread comes through here."""
        while self._waiting and len(self._tasks) - len(self._waiting) < self._at_once:
            self._waiting.popleft().future.set_running_or_notify_cancel()


def _joined(address: str | None) -> ModuleType:
    """Ray, with this process joined to the cluster."""
    os.environ.update({**_BRIEF, **os.environ, **_QUIET})
    ray = require("ray", extra="ray", purpose="The executor `ray`")
    if ray.is_initialized():
        own = ray.get_runtime_context().gcs_address
        if address not in {None, "auto", own}:
            raise invalid(
                "address",
                f"is {address!r}, but this process has joined the Ray cluster at {own}; call ray.shutdown() first.",
            )
        return ray
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    start = {"num_cpus": cpu_count(), "include_dashboard": False} if where == "local" else {}
    try:
        if where not in {"local", "auto"}:
            _knock(where)
    except (OSError, ValueError) as error:
        raise _refusal(where, error, "start one with: ray start --head") from error
    try:
        with doing("starting Ray" if where == "local" else f"joining the Ray cluster at {where}"):
            ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR, **start)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        advice = "start one with: ray start --head"
        if where not in {"local", "auto"} or isinstance(error, getattr(ray.exceptions, "AuthenticationError", ())):
            advice = (
                "if it asks for a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or the file ~/.ray/auth_token) to "
                f"its own; its version of Ray must be ours, {ray.__version__}"
            )
        raise _refusal(where, error, advice) from error
    if where == "local":
        _started.add(ray.get_runtime_context().gcs_address)
    return ray


def _refusal(where: str, error: Exception, advice: str) -> InvalidArgument:
    reason = str(error).strip().splitlines()[0].split(". ")[0].rstrip(".")
    return invalid("address", f"is {where!r}, but no Ray cluster could be joined there ({reason}); {advice}.")


def _knock(address: str) -> None:
    """Fail where nothing listens, or something else than Ray: Ray itself would go on trying for minutes.

    A cluster speaks gRPC, which is HTTP/2: a greeting of ours is answered by a frame of settings.
    """
    with _open(address) as door:
        if os.environ.get("RAY_USE_TLS", "0") == "1":
            return
        door.sendall(_GREETING)
        answer = b""
        while len(answer) < _FRAME_BYTES and (more := door.recv(_FRAME_BYTES - len(answer))):
            answer += more
    if answer[3:4] != _SETTINGS:
        raise ConnectionError("something else answers there" if answer else "what listens there says nothing")


def _open(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=_ANSWERS_IN_SECONDS)


def _fitting(needs: Mapping[str, float], node: Mapping[str, float]) -> int:
    """How many jobs run at once on a node."""
    return min(int(node.get(resource, 0.0) / need + 1e-9) for resource, need in needs.items())


def _performer() -> Callable[[bytes, str, list[Any]], bytes]:
    """What a Ray worker calls. Ray sends a nested function itself and not its name, so that the environment is set
    before anything of ours is imported, and the libraries that it uses. Ray's own ``runtime_env`` starts fresh workers.
    """
    environment = worker_environment()

    @no_type_check  # in tests, what checks the types cannot be pickled
    def run(call: bytes, token: str, references: list[Any]) -> bytes:
        import os
        import pickle

        os.environ.update(environment)
        import ray

        from benign.experiments.executors.travel import perform
        from benign.experiments.executors.worker import ignore_interrupts, shared_value

        ignore_interrupts()
        return perform(call, lambda: shared_value(token, lambda: pickle.loads(ray.get(references[0]))))  # noqa: S301

    return run


def translated(error: BaseException) -> BaseException:
    """What Ray says of a job that did not answer, in our words."""
    from ray import exceptions

    node_gone = NodeDied("The cluster's node that ran the job is gone; run the job again.")
    in_our_words = {
        exceptions.TaskCancelledError: JobStopped("The job was cancelled on the cluster."),
        exceptions.OutOfMemoryError: WorkerDied(
            "Ray killed the job because its node ran out of memory; set a larger `cpus_per_job`, so that fewer jobs "
            "run side by side."
        ),
        exceptions.NodeDiedError: node_gone,
        exceptions.ObjectLostError: node_gone,
        exceptions.WorkerCrashedError: WorkerDied(
            "The Ray worker died while it ran the job, most likely because its node ran out of memory; set a larger "
            "`cpus_per_job`, so that fewer run side by side."
        ),
    }
    own = next((own for kind, own in in_our_words.items() if isinstance(error, kind)), error)
    if own is not error:
        own.__cause__ = error
    return own
