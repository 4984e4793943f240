"""What the schedule needs to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Numbers and choices of the schedule.

    Args:
        lattice: Whether lattice lengths are predicted.
        labelled: Whether both networks are told a class.
        critic_steps: Critic updates for each generator update.
        learning_rate: Of both networks at the start.
        rate_schedule: A key of `keras_ruo2.training.rates.SCHEDULES`.
        warmup: Steps over which the learning rate rises from zero.
        num_steps: Steps of the whole run, for schedules.
        beta_1: Of both Adam optimisers.
        penalty_weight: Weight of the gradient penalty.
        gamma: Weight of the generator's lattice loss.
        gamma_end: What `gamma` becomes, linearly; `None` to keep it.
        gamma_steps: Steps that this takes.
        average: Decay of the averaged generator weights; 0 for none.
        lattice_gradient: `both`, or `generator` to keep the gradient of the generator's lattice
            loss from flowing through the critic's reading.
        feature_matching: Weight of the generator's feature matching loss.
        augment: Names in `keras_ruo2.training.augmentation.AUGMENTATIONS`, applied to what the
            critic sees.
        translated: Axes along which the data were moved at random, `xyz` or `xy`.
        wanted: A key of `keras_ruo2.training.properties.PROPERTIES`, or `None`.
        wanted_range: Wanted range of that property.
        wanted_weight: Weight of the penalty outside this range.
        environment_weight: Weight of the critic of environments in the generator's loss.
        energy_weight: Weight of the generator's error in energy, as that critic reads it.
        misfit_weight: Weight of distances that no training slab has.
        rest_weight: Weight of how far atoms on the sites of real slabs come from where these rest.
        energy_scale: Energy per atom that counts as 0 and the difference that counts as 1, eV.
    """

    lattice: bool = False
    labelled: bool = False
    critic_steps: int = 5
    learning_rate: float = 2e-4
    rate_schedule: str = "constant"
    warmup: int = 0
    num_steps: int = 1
    beta_1: float = 0.5
    penalty_weight: float = 10.0
    gamma: float = 0.1
    gamma_end: float | None = None
    gamma_steps: int = 0
    average: float = 0.0
    lattice_gradient: str = "both"
    feature_matching: float = 0.0
    augment: tuple[str, ...] = ()
    translated: str = "xyz"
    wanted: str | None = None
    wanted_range: tuple[float, float] = (0.0, 0.0)
    wanted_weight: float = 1.0
    environment_weight: float = 0.0
    energy_weight: float = 0.0
    misfit_weight: float = 0.0
    rest_weight: float = 0.0
    energy_scale: tuple[float, float] = (0.0, 1.0)

    @property
    def reads_energies(self) -> bool:
        """Whether energies are read off environments."""
        return bool(self.environment_weight and self.energy_weight)

    @property
    def penalises_misfits(self) -> bool:
        """Whether distances of generated atoms are penalised."""
        return bool(self.environment_weight and self.misfit_weight)

    @property
    def pulls_to_rest(self) -> bool:
        """Whether atoms are pulled to where those of real slabs rest."""
        return bool(self.environment_weight and self.rest_weight)
