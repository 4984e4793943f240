"""What the schedule needs to know."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Numbers of the schedule.

    Args:
        lattice: Whether lattice lengths are predicted.
        critic_steps: Critic updates for each generator update.
        learning_rate: Of both networks.
        beta_1: Of both Adam optimisers.
        penalty_weight: Weight of the gradient penalty.
        gamma: Weight of the generator's lattice loss.
        average: Decay of the averaged generator weights; 0 for none.
        lattice_gradient: `both`, or `generator` to keep the gradient of the generator's lattice
            loss from flowing through the critic's reading.
    """

    lattice: bool = False
    critic_steps: int = 5
    learning_rate: float = 2e-4
    beta_1: float = 0.5
    penalty_weight: float = 10.0
    gamma: float = 0.1
    average: float = 0.0
    lattice_gradient: str = "both"
