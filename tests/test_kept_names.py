"""Names that other people's scripts import from where they were, and how they are called."""

import importlib
import inspect

import pytest

KEPT = {
    "keras_ruo2.structure.voxels.voxelise": "atoms shape alpha species",
    "keras_ruo2.structure.backmap.backmap": "grid lengths alpha species",
    "keras_ruo2.structure.cells.orthogonalise": "atoms",
    "keras_ruo2.structure.cells.scale_lengths": "lengths minimum maximum",
    "keras_ruo2.structure.cells.unscale_lengths": "scaled minimum maximum",
    "keras_ruo2.training.losses.critic_loss": "real_scores fake_scores",
    "keras_ruo2.training.losses.generator_loss": "fake_scores",
    "keras_ruo2.training.losses.gradient_penalty": "slopes",
    "keras_ruo2.training.losses.lattice_loss": "logits targets",
    "keras_ruo2.models.networks.build_generator": "variant",
    "keras_ruo2.models.networks.build_critic": "variant",
    "keras_ruo2.evaluation.ssim.ssim_matrix": "images references",
    "keras_ruo2.thermodynamics.surface_free_energy": (
        "atoms energy bulk_energy oxygen_energy delta_mu_o"
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_name_can_be_imported_and_called_as_before(name):
    module, _, function = name.rpartition(".")
    found = getattr(importlib.import_module(module), function)
    arguments = list(inspect.signature(found).parameters)
    wanted = KEPT[name].split()
    positional = [argument for argument in wanted if argument not in ("alpha", "species")]
    assert arguments[: len(positional)] == positional
    assert set(wanted) <= set(arguments)
