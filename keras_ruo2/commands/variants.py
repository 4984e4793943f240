"""`variants`: print what can be trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_ruo2.backend import BACKENDS, STRATEGIES, is_installed
from keras_ruo2.models.architectures import ARCHITECTURES, DEFAULT
from keras_ruo2.models.variants import LABEL_SIZES, VARIANTS

if TYPE_CHECKING:
    from keras_ruo2.config import VariantsConfig


DEFAULT_FOR = "slices and whole grids"


def main(config: VariantsConfig) -> dict[str, list[dict[str, Any]]]:
    """Print the variants, the architectures and the backends; return them as JSON holds them."""
    print("Variants (--variant=)            label      size  lengths")
    for name, row in VARIANTS.items():
        columns = (row.label or "-", LABEL_SIZES.get(row.label or "", "-"), row.num_lengths or "-")
        values = "{:10s} {!s:>4s}  {!s:7s}".format(*columns)
        print(f"  {name:18s} {row.ndim}D       {values}  {row.meaning}")
    print("Architectures (--arch=)")
    width = max(map(len, ARCHITECTURES))
    for name, arch in ARCHITECTURES.items():
        default = " (default)" if name == DEFAULT else ""
        print(f"  {name:{width}s} {arch.meaning}{default}")
    print("Backends (--backend=) and their strategies (--strategy=)")
    for name, strategies in STRATEGIES.items():
        state = "installed" if is_installed(name) else f"missing: {BACKENDS[name]}"
        print(f"  {name:10s} {', '.join(strategies)} ({state})")
    return as_tables()


def as_tables() -> dict[str, list[dict[str, Any]]]:
    """Return the variants, the architectures and the backends as lists of dicts."""
    variants = [
        {
            "name": name,
            "ndim": row.ndim,
            "label": row.label,
            "label_size": LABEL_SIZES.get(row.label or ""),
            "num_lengths": row.num_lengths,
            "meaning": row.meaning,
        }
        for name, row in VARIANTS.items()
    ]
    architectures = [
        {
            "name": name,
            "meaning": arch.meaning,
            "default_for": DEFAULT_FOR if name == DEFAULT else None,
        }
        for name, arch in ARCHITECTURES.items()
    ]
    backends = [
        {"name": name, "strategies": list(strategies), "installed": is_installed(name)}
        for name, strategies in STRATEGIES.items()
    ]
    return {"variants": variants, "architectures": architectures, "backends": backends}
