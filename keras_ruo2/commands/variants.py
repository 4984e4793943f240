"""`variants`: print what can be trained."""

from keras_ruo2.architectures import ARCHITECTURES
from keras_ruo2.variants import VARIANTS


def main(config):
    """Print the table of variants and that of architectures."""
    print("Variants")
    for name, row in VARIANTS.items():
        print(f"  {name:12s} {row.ndim}D  {row.meaning}")
    print("Architectures")
    for name, row in ARCHITECTURES.items():
        print(f"  {name:12s} {row.meaning}")
