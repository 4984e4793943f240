"""Names that options may take, and how their text is read. No backend here."""

from collections.abc import Iterable
from types import MappingProxyType

from keras_ruo2.errors import ConfigError, check_choice

PRECISIONS = ("float32", "mixed_bfloat16")
TRACKERS = ("none", "wandb", "mlflow")
LABELS_BY = ("energy", "dmu_o")
RATE_SCHEDULES = ("constant", "linear", "cosine")
AUGMENTATIONS = ("shift", "mirror")
METHODS = ("random", "rattled", "genetic")  # baselines of discover
# Of relax: by the name of the class of `ase.optimize`.
OPTIMISERS = MappingProxyType(
    {
        "fire": "FIRE",
        "fire2": "FIRE2",
        "bfgs": "BFGS",
        "bfgs_line_search": "BFGSLineSearch",
        "lbfgs": "LBFGS",
        "lbfgs_line_search": "LBFGSLineSearch",
        "gpmin": "GPMin",
        "mdmin": "MDMin",
    }
)
PROPERTIES = ("oxygen_per_ruthenium", "filled", "slab_thickness")


def check_trust(calculator: str, trust: bool) -> None:
    """Raise `ConfigError` for a calculator that is a pickle, unless its user says to trust it.

    Args:
        calculator: Value of --calculator.
        trust: Value of --trust.
    """
    if calculator.startswith("mace:") and not trust:
        raise ConfigError(
            f"--calculator={calculator}: a file of MACE is a pickle, which runs what its maker "
            "wished. Add --trust if you trust it."
        )


def names_in(flag: str, text: str, choices: Iterable[str]) -> tuple[str, ...]:
    """Return the names in a comma-separated text; raise `ConfigError` for an unknown one."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        check_choice(flag, name, choices)
    return names


def range_in(flag: str, text: str) -> tuple[float, float]:
    """Return the two numbers of a text like `1.9,2.1`.

    Raises:
        ConfigError: If it is not two numbers in ascending order.
    """
    try:
        low, high = (float(part) for part in text.strip("()[] ").split(","))
    except ValueError:
        raise ConfigError(f"--{flag}={text} is no range. Expected two numbers: 1.9,2.1") from None
    if not low <= high:
        raise ConfigError(f"--{flag}={text}: the first number must not exceed the second.")
    return low, high
