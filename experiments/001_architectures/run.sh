#!/usr/bin/env bash
# Usage: run.sh MINUTES [ARCHITECTURE...]; from the repository's root, after `make test` or `make train`.
set -eu
minutes=$1
shift
archs=${*:-waves resize kim thesis}
for arch in $archs; do
  .venv/bin/python -m keras_ruo2 train --variant=lattice2d --arch="$arch" --minutes="$minutes" \
    --steps=100000 --evaluate_every=100 --run="runs/001_$arch"
done
echo "| arch | seconds | steps | ratio | spectrum ratio | critic's lengths (Å) | (%) |"
echo "|---|---|---|---|---|---|---|"
for arch in $archs; do
  awk -F, -v arch="$arch" '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
    { row = $0 }
    END {
      split(row, v, ",")
      printf "| %s | %.0f | %d | %.2f | %.2f | %.2f | %.1f |\n", arch, v[column["seconds"]],
        v[column["step"]], v[column["held_out_ratio"]], v[column["held_out_spectrum_ratio"]],
        v[column["lattice_error"]], v[column["lattice_error_percent"]]
    }' "runs/001_$arch/metrics.csv"
done
