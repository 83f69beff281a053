"""Ray as a cluster: several nodes on this machine, one of which is killed; and what Ray is asked for.

Starting a cluster is dear: all tests share one, in the order below. Each finds two nodes or more; the last kills it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import xarray as xr

import benign
from benign.experiments.executors import ray_cluster
from benign.experiments.executors.protocol import JobStopped, NodeDied, WorkerDied
from benign.experiments.executors.ray_cluster import ClusterLost, Ray, translated
from benign.experiments.measurement import measure
from benign.foundation.errors import InvalidArgument
from tests.experiments.ray_jobs import node_of, threads_of
from tests.experiments.scripted import Scripted
from tests.optional import needs

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SECONDS = 120.0  # longer than anything below takes; a hang fails and does not hang the suite
STORE_BYTES = 100 * 2**20
# A node whose door is closed is dead at the second look; one that is slow to answer keeps its ten seconds. No notes of
# what ran are sent: once the cluster is gone, leaving it would wait for them.
PROMPT = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 200,
    "health_check_failure_threshold": 2,
    "task_events_report_interval_ms": 0,
}


@pytest.fixture(scope="module", autouse=True)
def _ray_is_here() -> None:
    needs("ray", importlib.util.find_spec("ray") is not None, "Ray is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that runs no jobs, and two nodes of one processor. What they inherit allows two threads."""
    import ray
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": 0,
        "object_store_memory": STORE_BYTES,
        "_system_config": PROMPT,
        # Each a process that takes a second to start, and does nothing here.
        "include_dashboard": False,
        "include_log_monitor": False,
        "no_monitor": True,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "2")
        patch.setenv("OPENBLAS_NUM_THREADS", "2")
        nodes = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(2):
            _add_node(nodes)
        yield nodes
    ray.shutdown()
    for node in reversed(nodes.list_all_nodes()):  # at once: without its head, a node does not end in grace
        nodes.remove_node(node, allow_graceful=False)


def _add_node(cluster: Any, processors: int = 1) -> Any:
    return cluster.add_node(num_cpus=processors, object_store_memory=STORE_BYTES)


def _written(folder: Path, count: int) -> dict[str, str]:
    """What is in the files, once there are so many."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        notes = {path.name: path.read_text() for path in folder.iterdir()}
        if len(notes) == count and all(notes.values()):
            return notes
        time.sleep(0.05)
    raise TimeoutError(f"{count} jobs did not start")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("127.0.0.1:1", "no Ray cluster could be joined there .*refused"), ("nowhere", "no Ray cluster could be joined")],
    ids=["nobody listens", "no address"],
)
def test_an_address_without_a_cluster_gets_a_sentence(address, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        Ray(address)


@pytest.mark.parametrize(
    ("greeting", "sentence"),
    [
        (b"", "timed out"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "something else answers there"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "something else answers there"),
    ],
    ids=["silence", "HTTP", "SSH"],
)
def test_an_address_where_something_else_listens_gets_a_sentence(monkeypatch, greeting, sentence):
    """Ray itself would try for two minutes."""
    monkeypatch.setattr(ray_cluster, "_ANSWERS_IN_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            door, _ = listening.accept()
            with door, contextlib.suppress(OSError):  # hung up on
                door.sendall(greeting)
                while door.recv(4096):
                    pass

        Thread(target=answer, daemon=True).start()
        with pytest.raises(InvalidArgument, match=f"no Ray cluster could be joined there .*{sentence}"):
            Ray(f"127.0.0.1:{listening.getsockname()[1]}")


@pytest.mark.parametrize("kind", ["AuthenticationError", "ConnectionError"], ids=["no token", "another token"])
def test_a_cluster_that_asks_for_a_token_gets_a_sentence_that_names_what_to_set(monkeypatch, kind):
    import ray
    from ray import exceptions

    def refuse(**_: object) -> None:
        raise getattr(exceptions, kind, ConnectionError)("no entry")

    monkeypatch.setattr(ray_cluster, "_knock", lambda _: None)
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(InvalidArgument, match=r"\(no entry.*set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN .* Ray must be"):
        Ray("127.0.0.1:6379")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cpus_per_job": 0}, "`cpus_per_job` must be positive"),
        ({"cpus_per_job": "two"}, "`cpus_per_job` must be a finite number"),
        ({"gpus_per_job": -1}, "`gpus_per_job` must be zero or positive"),
    ],
    ids=["no processor", "words", "fewer than no GPU"],
)
@pytest.mark.usefixtures("unchecked")
def test_needs_that_cannot_be_met_get_a_sentence(options, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        Ray(**options)


def test_a_node_that_dies_costs_its_running_jobs_alone(cluster, tmp_path):
    executor = Ray(cluster.address)
    assert executor.slots == 3
    shared = executor.share(tmp_path)
    futures = {name: executor.submit(node_of, shared, name, SECONDS) for name in ("first", "second")}
    ran_on = _written(tmp_path, 2)
    assert len(set(ran_on.values())) == 2

    cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)
    _add_node(cluster, processors=2)
    ended, _ = wait(futures.values(), SECONDS, FIRST_COMPLETED)
    (failed,) = [name for name, future in futures.items() if future in ended]
    assert isinstance(futures[failed].exception(), NodeDied)
    (tmp_path / "enough").touch()
    (survivor,) = {*futures} - {failed}
    assert futures[survivor].result(SECONDS) == ran_on[survivor]
    assert executor.submit(node_of, shared, "again", 0.0).result(SECONDS) != ran_on[failed]
    executor.shutdown()


def test_a_job_that_keeps_two_processors_has_one_thread(cluster):
    executor = Ray("auto", cpus_per_job=2)
    assert executor.slots == 2
    threads, environment = executor.submit(threads_of, executor.share(None)).result(SECONDS)
    assert threads == {1}
    assert environment == "1"


def test_a_process_joins_one_cluster(cluster):
    with pytest.raises(
        InvalidArgument, match=r"this process has joined the Ray cluster at .*; call ray.shutdown\(\) first"
    ):
        Ray("127.0.0.1:1")


def test_shutdown_without_waiting_stops_what_runs(cluster, tmp_path):
    executor = Ray(cluster.address)
    future = executor.submit(node_of, executor.share(tmp_path), "endless", 1000.0)
    _written(tmp_path, 1)
    executor.shutdown(wait=False)
    with pytest.raises(JobStopped):
        future.result(SECONDS)


def test_what_ray_says_of_a_dead_job_is_said_in_our_words():
    from ray import exceptions

    for error, kind, sentence in (
        (exceptions.OutOfMemoryError("x"), WorkerDied, "its node ran out of memory; set a larger `cpus_per_job`"),
        (exceptions.WorkerCrashedError(), WorkerDied, "The Ray worker died"),
        (exceptions.ObjectLostError("00", None, ""), NodeDied, "is gone; run the job again"),
        (exceptions.TaskCancelledError(), JobStopped, "cancelled on the cluster"),
    ):
        own = translated(error)
        assert type(own) is kind
        assert sentence in str(own)
        assert own.__cause__ is error


# ------------------------------------------------------------- a run on it: the surface of one process, whatever dies


def test_several_nodes_measure_the_surface_of_one_process_bit_for_bit(cluster):
    source = benign.sources.digits(label_noise=0.2)

    def measured(executor):
        return measure(benign.RandomFourier(), source, samples=[40, 60], replicates=6, executor=executor).dataset

    one, many = measured("here"), measured(Ray(cluster.address))
    xr.testing.assert_identical(many.drop_attrs(), one.drop_attrs())


def test_a_node_that_dies_in_mid_run_costs_no_result(cluster, tmp_path):
    procedure = Scripted(log=tmp_path / "log", seconds=0.3)

    def measured(by, executor):
        return measure(
            by, benign.sources.mml(), samples=[10, 20], sizes=[1, 2, 3], replicates=10, executor=executor
        ).dataset

    def kill_a_node():
        while len(procedure.computed()) < 6:
            time.sleep(0.05)
        cluster.remove_node(cluster.list_all_nodes()[1], allow_graceful=False)

    killer = Thread(target=kill_a_node)
    killer.start()
    survived = measured(procedure, Ray(cluster.address))
    killer.join()
    undisturbed = measured(Scripted(log=tmp_path / "other"), "here")
    xr.testing.assert_identical(survived.drop_attrs(), undisturbed.drop_attrs())
    assert 20 <= len(procedure.computed()) <= 23


def test_a_cluster_that_dies_in_mid_run_is_a_sentence_and_costs_no_result(cluster, tmp_path, monkeypatch):
    """Ray itself would say nothing and end this process after a minute."""
    monkeypatch.setattr("benign.experiments.executors.ray_cluster._LOST_AFTER_SECONDS", 3.0)
    procedure, store = Scripted(log=tmp_path / "log", seconds=0.3), tmp_path / "runs.db"
    wanted = {"samples": [10], "sizes": [1, 2, 3], "replicates": 30, "store": store}

    def kill_the_cluster():
        while len(procedure.computed()) < 6:
            time.sleep(0.05)
        cluster.head_node.kill_gcs_server()

    killer = Thread(target=kill_the_cluster)
    killer.start()
    with pytest.raises(ClusterLost, match=r"does not answer any more; start it again .* what is measured is kept"):
        measure(procedure, benign.sources.mml(), executor=Ray(cluster.address), **wanted)
    killer.join()
    before = len(procedure.computed())
    measure(Scripted(log=procedure.log), benign.sources.mml(), executor="here", **wanted)
    assert len(procedure.computed()) - before < 30
