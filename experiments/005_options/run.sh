#!/usr/bin/env bash
# Train lattice2d with one option changed at a time; run from the root of the repository.
set -eu
STEPS=${STEPS:-400}
while read -r name flags; do
	[ -e "runs/005_$name" ] || python -m keras_ruo2 train --variant=lattice2d --run="runs/005_$name" --width=8 \
		--steps="$STEPS" --evaluate_every="$STEPS" --log_every="$STEPS" $flags
done <<'OPTIONS'
base
penalty_every --penalty_every=2
spectral --spectral
shift --augment=shift
shift_mirror --augment=shift,mirror
matching --feature_matching=1
minibatch --minibatch_kernels=64
cosine --rate_schedule=cosine
gamma1 --gamma=1
gamma1_generator --gamma=1 --lattice_gradient=generator
growing --grow_batch_every=150 --grow_batch_until=128
OPTIONS
