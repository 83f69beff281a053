"""Where jobs run: this process, worker processes, a Ray cluster. One contract, three implementations."""

from benign.experiments.executors.choice import choose
from benign.experiments.executors.here import Here
from benign.experiments.executors.processes import Processes
from benign.experiments.executors.protocol import Executor
from benign.experiments.executors.ray_cluster import Ray

__all__ = ["Executor", "Here", "Processes", "Ray", "choose"]
