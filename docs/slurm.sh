#!/bin/bash
# Trains on two nodes with four GPUs each: one worker a node, which uses all GPUs of its node.
# Submit with: sbatch docs/slurm.sh
# The run folder and the records must be on a disk that all nodes see; write the records before.
# --batch_size is that of one critic update over all GPUs: a multiple of 8 here.
#SBATCH --job-name=keras_ruo2
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@300
#SBATCH --requeue

set -euo pipefail

# Slurm sends SIGTERM five minutes before the time is up: every worker then ends its step, the
# first one saves. --resume starts a new run where there is none, and goes on where there is one.
srun --kill-on-bad-exit=1 python -m keras_ruo2 train \
    --variant=joint3d --strategy=multiworker --run=runs/joint3d --records=tfrecords/gap3d \
    --batch_size=64 --steps=20000 --resume
