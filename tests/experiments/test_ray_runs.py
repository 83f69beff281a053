"""A run on a Ray cluster of several nodes on this machine: the surface of one process, also when a node dies."""

import importlib.util
import threading
import time

import pytest
import xarray as xr

import benign
from benign.experiments.executors import Ray
from benign.experiments.executors.ray_cluster import ClusterLost
from benign.experiments.measurement import measure
from tests.experiments.scripted import Scripted
from tests.optional import needs

pytestmark = [pytest.mark.ray, pytest.mark.slow]

STORE_BYTES = 100 * 2**20


@pytest.fixture
def cluster():
    """A head that runs no jobs, and two nodes of one processor."""
    needs("ray", importlib.util.find_spec("ray") is not None, "Ray is not installed")
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        nodes.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


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

    killer = threading.Thread(target=kill_a_node)
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

    killer = threading.Thread(target=kill_the_cluster)
    killer.start()
    with pytest.raises(ClusterLost, match=r"does not answer any more; start it again .* what is measured is kept"):
        measure(procedure, benign.sources.mml(), executor=Ray(cluster.address), **wanted)
    killer.join()
    before = len(procedure.computed())
    measure(Scripted(log=procedure.log), benign.sources.mml(), executor="here", **wanted)
    assert len(procedure.computed()) - before < 30
