"""Runs a search, or a build of records, on Dask workers that are jobs of Slurm.

    pip install -e '.[scale,energies]' dask-jobqueue
    python docs/dask_slurm.py basin_hopping --out=found.extxyz --steps=200 --start=all

Start it where you may leave it running: a login node or a small job. Edit the resources below; the
folders of the command and of the package must be on a disk that all nodes see. Jobs that end or are
preempted cost the trials that they were at; Slurm is asked for new ones. When it is over, or
interrupted, repeat it: it goes on.
"""

import shutil
import subprocess
import sys

from dask_jobqueue import SLURMCluster

JOBS = 20  # at most; each is one process with one thread
JOB = {
    "cores": 1,
    "processes": 1,
    "memory": "8GB",  # CHGNet: 0.5 GB and 6.5 MB an atom
    "walltime": "12:00:00",
    "worker_extra_args": ["--lifetime", "700m", "--lifetime-stagger", "10m"],
    "job_script_prologue": ["export OMP_NUM_THREADS=1"],
}


def main(arguments):
    """Run `python -m data_prep` with these arguments on the cluster, and return its status."""
    if shutil.which("sbatch") is None:
        print("No sbatch was found. Start it on a node of a Slurm cluster.", file=sys.stderr)
        return 1
    with SLURMCluster(**JOB) as cluster:
        cluster.adapt(minimum=1, maximum=JOBS)
        command = [sys.executable, "-m", "data_prep", *arguments]
        return subprocess.run([*command, f"--scheduler={cluster.scheduler_address}"]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
