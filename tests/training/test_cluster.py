import json

import pytest

from keras_ruo2.commands.train import check_cluster
from keras_ruo2.config import TrainConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.training.cluster import expand_counts, expand_hosts, find_cluster

SLURM = {
    "SLURM_PROCID": "2",
    "SLURM_JOB_ID": "1230007",
    "SLURM_STEP_NODELIST": "n[9-10],m5",
    "SLURM_STEP_TASKS_PER_NODE": "2,1(x2)",
}
WORKERS = ["n9:20007", "n9:20008", "n10:20007", "m5:20007"]


def test_slurm_s_tasks_are_the_workers_in_the_order_of_its_hosts():
    """By name n10 would come before n9, and every worker would listen on another's host."""
    assert find_cluster(SLURM) == (WORKERS, 2)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("login", ["login"]),
        ("n[09-11,14]", ["n09", "n10", "n11", "n14"]),
        ("a1,gpu-[1-2]-ib,b", ["a1", "gpu-1-ib", "gpu-2-ib", "b"]),
    ],
)
def test_host_lists_are_written_out(text, hosts):
    assert expand_hosts(text) == hosts


def test_task_counts_are_written_out():
    assert expand_counts("2(x3),1") == [2, 2, 2, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"SLURM_STEP_NODELIST": "n[9-10]"},  # three counts, two hosts
        {"SLURM_PROCID": "4"},
        {"SLURM_STEP_TASKS_PER_NODE": ""},
    ],
)
def test_slurm_variables_that_do_not_fit_are_refused(changes):
    with pytest.raises(ConfigError, match="Start every worker with srun"):
        find_cluster(SLURM | changes)


def test_a_batch_script_without_srun_is_refused():
    """Slurm sets SLURM_PROCID there too, but no variables of a step."""
    with pytest.raises(ConfigError, match="SLURM_STEP_NODELIST"):
        find_cluster({"SLURM_PROCID": "0", "SLURM_JOB_ID": "1"})


def test_tf_config_names_the_workers():
    values = {"cluster": {"worker": WORKERS}, "task": {"type": "worker", "index": 3}}
    assert find_cluster({"TF_CONFIG": json.dumps(values)} | SLURM) == (WORKERS, 3)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["a:2"]}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_another_tf_config_is_refused(text):
    with pytest.raises(ConfigError, match="TF_CONFIG cannot be used"):
        find_cluster({"TF_CONFIG": text})


def test_without_either_nothing_starts():
    with pytest.raises(ConfigError, match="needs TF_CONFIG or a Slurm job step"):
        find_cluster({})


def test_minutes_are_refused_as_workers_count_their_own():
    config = TrainConfig(variant="vanilla2d", strategy="multiworker", minutes=1.0)
    with pytest.raises(ConfigError, match="Give --steps"):
        check_cluster(config, SLURM)
