"""Which workers share a run, as TF_CONFIG or Slurm says. Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from keras_ruo2.errors import ConfigError

FIRST_PORT, NUM_PORTS = 20000, 10000


def find_cluster(environment: Mapping[str, str]) -> tuple[list[str], int]:
    """Return the addresses of all workers and the number of this one.

    Args:
        environment: Mapping of environment variables.

    Returns:
        List of `host:port` and an integer.

    Raises:
        ConfigError: If neither TF_CONFIG nor Slurm's variables name them.
    """
    if "TF_CONFIG" in environment:
        return from_tf_config(environment["TF_CONFIG"])
    if "SLURM_PROCID" in environment:
        return from_slurm(environment)
    raise ConfigError(
        "--strategy=multiworker needs TF_CONFIG or a Slurm job step. "
        "Start it with srun, or set TF_CONFIG for every worker (see the README)."
    )


def from_tf_config(text: str) -> tuple[list[str], int]:
    """Return the workers and the number of this one of a TF_CONFIG."""
    try:
        values = json.loads(text)
        cluster, task = values["cluster"], values["task"]
        workers, index = cluster["worker"], int(task["index"])
        if set(cluster) != {"worker"} or task["type"] != "worker":
            raise ValueError("every task must be a worker")
        if not 0 <= index < len(workers):
            raise ValueError(f"task {index} of {len(workers)} workers")
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"TF_CONFIG cannot be used ({type(error).__name__}: {error}). Expected JSON like "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.'
        ) from None
    return list(workers), index


def from_slurm(environment: Mapping[str, str]) -> tuple[list[str], int]:
    """Return the workers, one for each task of a Slurm job step, and the number of this one.

    TensorFlow's own resolver sorts hosts by name, which gives n10 the rank of n9, and fails on
    machines without GPUs. Ports follow from the job's number, so that jobs which share a machine
    rarely meet.
    """
    try:
        hosts = expand_hosts(environment["SLURM_STEP_NODELIST"])
        counts = expand_counts(environment["SLURM_STEP_TASKS_PER_NODE"])
        index = int(environment["SLURM_PROCID"])
        port = FIRST_PORT + int(environment["SLURM_JOB_ID"]) % NUM_PORTS
        workers = [
            f"{host}:{port + number}"
            for host, count in zip(hosts, counts, strict=True)
            for number in range(count)
        ]
        if not 0 <= index < len(workers):
            raise ValueError(f"task {index} of {len(workers)}")
    except (ValueError, KeyError) as error:
        raise ConfigError(
            f"Slurm's variables name no job step ({type(error).__name__}: {error}). Start every "
            "worker with srun (see docs/slurm.sh)."
        ) from None
    return workers, index


def expand_hosts(text: str) -> list[str]:
    """Return the hosts of a list like `n[09-11,14],m5`: n09, n10, n11, n14, m5."""
    hosts = []
    for prefix, ranges, suffix in re.findall(r"([^,\[\]]+)(?:\[([^\]]*)\])?([^,\[\]]*)", text):
        if not ranges:
            hosts.append(prefix)
            continue
        for part in ranges.split(","):
            first, _, last = part.partition("-")
            numbers = range(int(first), int(last or first) + 1)
            hosts += [f"{prefix}{number:0{len(first)}d}{suffix}" for number in numbers]
    return hosts


def expand_counts(text: str) -> list[int]:
    """Return the tasks on each host of a list like `2(x3),1`: 2, 2, 2, 1."""
    counts = []
    for part in text.split(","):
        count, _, times = part.partition("(x")
        counts += [int(count)] * int(times.rstrip(")") or 1)
    return counts
