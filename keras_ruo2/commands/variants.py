"""`variants`: print what can be trained."""

from keras_ruo2.backend import BACKENDS, STRATEGIES, is_installed
from keras_ruo2.models.architectures import ARCHITECTURES, DEFAULT, DEFAULT_3D
from keras_ruo2.models.variants import LABEL_SIZES, VARIANTS

DEFAULTS = {DEFAULT: " (default for slices)", DEFAULT_3D: " (default for whole grids)"}


def main(config):
    """Print the variants, the architectures and the backends."""
    print("Variants (--variant=)            label      size  lengths")
    for name, row in VARIANTS.items():
        columns = (row.label or "-", LABEL_SIZES.get(row.label, "-"), row.num_lengths or "-")
        values = "{:10s} {!s:>4s}  {!s:7s}".format(*columns)
        print(f"  {name:18s} {row.ndim}D       {values}  {row.meaning}")
    print("Architectures (--arch=)")
    for name, row in ARCHITECTURES.items():
        print(f"  {name:10s} {row.meaning}{DEFAULTS.get(name, '')}")
    print("Backends (--backend=) and their strategies (--strategy=)")
    for name, strategies in STRATEGIES.items():
        state = "installed" if is_installed(name) else f"missing: {BACKENDS[name]}"
        print(f"  {name:10s} {', '.join(strategies)} ({state})")
