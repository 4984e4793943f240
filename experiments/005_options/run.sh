#!/bin/sh
# Each option of the trainer against the default, lattice2d on the bundled slabs, at equal steps.
# Usage, in the repository's root: sh experiments/005_options/run.sh FOLDER
set -eu
runs=$1
try() {
    name=$1
    shift
    [ "$name" = base_950 ] || set -- --steps=400 --evaluate_every=200 "$@"
    [ -f "$runs/$name/metrics.png" ] && return
    echo "$name: $*"
    OMP_NUM_THREADS=1 python -m keras_ruo2 train --variant=lattice2d --width=8 --run="$runs/$name" \
        --resume "$@" > "$runs/$name.log" 2>&1 || echo "$name failed, see $runs/$name.log"
}
mkdir -p "$runs"
try base
try base_101 --seed=101
try base_102 --seed=102
try mirror --augment=mirror
try shift_mirror --augment=shift,mirror
try penalty_2 --penalty_every=2
try spectral --spectral
try matching --feature_matching=1
try minibatch --minibatch_kernels=64
try cosine --rate_schedule=cosine
try gamma_1 --gamma=1
try gamma_1_generator --gamma=1 --lattice_gradient=generator
try grow --batch_size=16 --grow_batch_every=150
try critic_5 --critic_steps=5
try rate_2e-4 --learning_rate=0.0002
try average_99 --average=0.99
try base_950 --steps=950 --evaluate_every=475
