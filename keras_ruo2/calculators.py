"""ASE calculators by name, with energies that can be compared between oxygen contents."""

import importlib
import importlib.metadata
import importlib.util

from keras_ruo2.errors import ConfigError

# Materials Project's oxide correction, which CHGNet was trained on, eV per O atom. It is undone:
# a constant per O would make every O-rich slab look too stable by it. Source: Wang et al.,
# Sci. Rep. 11, 15496 (2021), MP2020 compatibility scheme.
OXIDE_CORRECTION = -0.687
CHGNET_MODEL = "0.3.0"


def check_calculator(name):
    """Raise `ConfigError` unless `name` can be made a calculator on this machine."""
    if name == "chgnet":
        if not importlib.util.find_spec("chgnet"):
            raise ConfigError(
                "The calculator 'chgnet' is not installed. Install it: pip install -e '.[energies]'"
            )
        return
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigError(
            f"Unknown calculator {name!r}. Expected 'chgnet' or 'module:callable', "
            "where the callable returns an ASE calculator."
        )
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise ConfigError(f"Calculator {name!r}: cannot import {module} ({error}).") from None
    if not callable(found):
        raise ConfigError(f"Calculator {name!r}: {module} has no callable {attribute!r}.")


def make_calculator(name):
    """Return `(calculator, provenance)` for a name.

    Args:
        name: `chgnet`, or `module:callable` for any function without arguments that returns an
            ASE calculator.

    Returns:
        The calculator and a dict of strings: `calculator`, `calculator_version`, `correction`.

    Raises:
        ConfigError: If the name is unknown or what it needs is not installed.
    """
    check_calculator(name)
    if name == "chgnet":
        return uncorrected_chgnet(), {
            "calculator": f"CHGNet {CHGNET_MODEL}",
            "calculator_version": f"chgnet {importlib.metadata.version('chgnet')}",
            "correction": f"oxide correction undone: E + {-OXIDE_CORRECTION} eV per O",
        }
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)(), {
        "calculator": name,
        "calculator_version": getattr(importlib.import_module(module), "__version__", "unknown"),
        "correction": "none",
    }


def uncorrected_chgnet():
    """Return CHGNet as an ASE calculator without the oxide correction in its energies."""
    from chgnet.model.dynamics import CHGNetCalculator
    from chgnet.model.model import CHGNet

    class UncorrectedCHGNet(CHGNetCalculator):
        def calculate(self, atoms=None, properties=None, system_changes=None, **options):
            super().calculate(atoms, properties, system_changes, **options)
            undone = OXIDE_CORRECTION * (self.atoms.numbers == 8).sum()
            for name in ("energy", "free_energy"):
                if name in self.results:
                    self.results[name] -= undone

    model = CHGNet.load(model_name=CHGNET_MODEL, use_device="cpu", verbose=False)
    return UncorrectedCHGNet(model, use_device="cpu")
