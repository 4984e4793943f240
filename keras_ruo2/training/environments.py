"""What the critic of atomic environments adds to the schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from keras import ops

from keras_ruo2.models.environments import (
    describe_environments,
    distance_misfits,
    find_neighbours,
    mean_over_atoms,
)
from keras_ruo2.models.tensors import Tensor
from keras_ruo2.training import losses

if TYPE_CHECKING:
    import keras

    from keras_ruo2.structure.anchors import Anchors
    from keras_ruo2.training.wgan import BaseWassersteinGAN


UPDATES = 2  # of this critic for each of the critic of grids, which costs twenty times as much
RATE = 3.0  # its learning rate over that of the others
PAIRS = 12  # environments of each species in a sample that the gradient penalty lies between
NOWHERE = -1e9  # logit of an atom that is not there


class EnvironmentLosses:
    """Losses on the neighbours of single atoms, for a `BaseWassersteinGAN`.

    A Wasserstein critic with gradient penalty compares environments in real and in generated slabs
    of the same class; beside it a network reads energies off the environments of real slabs.

    Args:
        model: `BaseWassersteinGAN`, whose generator places atoms.
        critic: From `build_environment_critic`.
        anchors: `Anchors`; of a generated slab the first atoms are looked at, one for each site:
            the others are copies of them.
    """

    def __init__(self, model: BaseWassersteinGAN, critic: keras.Model, anchors: Anchors) -> None:
        self.model, self.critic, self.anchors = model, critic, anchors
        self.num_sites = anchors.num_sites

    def score(self, features: Tensor, weights: Tensor, label: Tensor | None) -> dict[str, Tensor]:
        """Return what the critic says of the atoms of slabs."""
        inputs = [features, weights]
        return self.critic([*inputs, label] if len(self.critic.inputs) > 2 else inputs)

    def neighbours(
        self, slabs: Mapping[str, Tensor], count: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return what `find_neighbours` does of the first `count` atoms of slabs, or of all."""
        return find_neighbours(slabs["places"], slabs["weights"], slabs["cell"], count)

    def objective(
        self, batch: Mapping[str, Tensor], made: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the critic's loss on real and generated slabs, or fresh ones, and its parts."""
        model, label = self.model, batch.get("label")
        made = model.draw_samples(batch) if made is None else made
        kinds, fake_kinds = batch["weights"], made["weights"][:, : self.num_sites]
        real = describe_environments(*self.neighbours(batch))
        fake = describe_environments(*self.neighbours(made, self.num_sites))
        seen, other = self.score(real, kinds, label), self.score(fake, fake_kinds, label)
        scores = [
            mean_over_atoms(outputs["score"], weights)
            for outputs, weights in ((seen, kinds), (other, fake_kinds))
        ]
        gap = losses.critic_loss(*scores)
        penalty = losses.gradient_penalty(self.gradients(real, kinds, fake, fake_kinds, label))
        parts = {"environment_gap": gap, "environment_penalty": penalty}
        loss = gap + model.settings.penalty_weight * penalty
        if model.settings.energy_weight:
            error = self.energy_error(seen["energy"], kinds, batch["energy"])
            parts["environment_energy_error"] = ops.sqrt(error + losses.SMALLEST_SQUARE)
            loss = loss + error
        return loss, parts

    def gradients(
        self, real: Tensor, kinds: Tensor, fake: Tensor, fake_kinds: Tensor, label: Tensor | None
    ) -> Tensor:
        """Return the critic's gradients between real and generated environments of a species."""
        size, between, weights = ops.shape(real)[0], [], []
        for channel in range(2):
            ends = [
                self.draw_environments(features, there[..., channel])
                for features, there in ((real, kinds), (fake, fake_kinds))
            ]
            share = ops.reshape(self.model.draw_shares(size * PAIRS, 1), (-1, PAIRS, 1))
            between.append(share * ends[0] + (1 - share) * ends[1])
            weights.append(ops.ones_like(share) * ops.one_hot(channel, 2, dtype="float32"))
        weights = ops.concatenate(weights, axis=1)
        slopes = self.model.input_gradients(
            lambda features: self.score(features, weights, label)["score"],
            ops.concatenate(between, axis=1),
        )
        return ops.reshape(slopes, (-1, slopes.shape[-1]))

    def draw_environments(self, features: Tensor, there: Tensor) -> Tensor:
        """Return features `(batch, PAIRS, n)` of atoms drawn from those that are there."""
        logits = ops.where(there > 0.5, 0.0, NOWHERE)
        chosen = self.model.draw_atoms(logits, PAIRS)
        return ops.take_along_axis(features, chosen[..., None], axis=1)

    def energy_error(self, energies: Tensor, weights: Tensor, wanted: Tensor) -> Tensor:
        """Return the mean squared error of energies per atom, in units of the settings' scale.

        Slabs of unknown energy (NaN) are left out.
        """
        centre, scale = self.model.settings.energy_scale
        known = ops.logical_not(ops.isnan(wanted))
        wanted = (ops.where(known, wanted, centre) - centre) / scale
        known = ops.cast(known, "float32")
        errors = ops.square(mean_over_atoms(energies, weights) - wanted)
        return ops.sum(errors * known) / ops.maximum(ops.sum(known), 1.0)

    def generator_terms(
        self, made: Mapping[str, Tensor], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what the generator's loss gets from here, and the parts of it."""
        known, label = self.model.settings, batch.get("label")
        around, weights = (
            self.neighbours(made, self.num_sites),
            made["weights"][:, : self.num_sites],
        )
        seen = self.score(describe_environments(*around), weights, label)
        loss = losses.generator_loss(mean_over_atoms(seen["score"], weights))
        parts = {"generator_environment_loss": loss}
        loss = known.environment_weight * loss
        if known.energy_weight:
            parts["generator_energy_loss"] = self.energy_error(
                seen["energy"], weights, batch["energy"]
            )
            loss = loss + known.energy_weight * parts["generator_energy_loss"]
        if known.misfit_weight:
            limits = self.anchors.shortest, self.anchors.farthest
            parts["generator_misfit_loss"] = ops.mean(distance_misfits(*around, weights, *limits))
            loss = loss + known.misfit_weight * parts["generator_misfit_loss"]
        if known.rest_weight:
            parts["generator_rest_loss"] = self.rest_error(batch)
            loss = loss + known.rest_weight * parts["generator_rest_loss"]
        return loss, parts

    def rest_error(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return how far atoms on the sites of real slabs come from where these rest, Å."""
        cell, there = batch["resting_cell"], batch["resting_occupancy"]
        displace, settle = (self.model.generator.get_layer(n) for n in ("displace", "settle"))
        places, lengths = displace(cell)
        places = settle(cell, places, lengths, there)
        apart = places - settle.of_cell(cell, self.anchors.positions) - batch["resting_offsets"]
        return ops.mean(losses.distance_from_rest(apart, there))
