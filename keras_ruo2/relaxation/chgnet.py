"""CHGNet with energies that can be compared between oxygen contents."""

from __future__ import annotations

import warnings
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator

from keras_ruo2.relaxation.device import torch_device

# Materials Project's oxide correction, which CHGNet was trained on, eV per O atom. It is undone:
# a constant per O would make every O-rich slab look too stable by it. Source: Wang et al.,
# Sci. Rep. 11, 15496 (2021), MP2020 compatibility scheme.
OXIDE_CORRECTION = -0.687
CHGNET_MODEL = "0.3.0"
OXIDE_CORRECTION_UNDONE = f"oxide correction undone: E + {-OXIDE_CORRECTION} eV per O"


def uncorrected_chgnet(_: object = None) -> Calculator:
    """Return CHGNet as an ASE calculator without the oxide correction in its energies.

    Stress and magnetic moments are computed only when asked for: with them, and with the weights'
    gradients that nobody needs, every call costs twice as much.
    """
    from chgnet.model.dynamics import CHGNetCalculator
    from chgnet.model.model import CHGNet

    class UncorrectedCHGNet(CHGNetCalculator):
        def calculate(
            self,
            atoms: Atoms | None = None,
            properties: list[str] | None = None,
            system_changes: list[str] | None = None,
            task: Any = None,  # one of CHGNet's own literals
        ) -> None:
            simple = {"energy", "free_energy", "forces"}.issuperset(properties or ["all"])
            task = task or ("ef" if simple else "efsm")
            with warnings.catch_warnings():  # of PyTorch, about a line of CHGNet's
                warnings.filterwarnings("ignore", "Converting a tensor with requires_grad")
                super().calculate(atoms, properties, system_changes, task)
            undone = OXIDE_CORRECTION * (self.atoms.numbers == 8).sum()
            for name in ("energy", "free_energy"):
                if name in self.results:
                    self.results[name] -= undone

    model = CHGNet.load(model_name=CHGNET_MODEL, use_device=torch_device(), verbose=False)
    model.requires_grad_(False)
    return UncorrectedCHGNet(model, use_device=torch_device())
