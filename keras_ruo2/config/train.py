"""The configuration of `train`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.architectures import ARCHITECTURES, DEFAULT, LATTICE_GRADIENTS
from keras_ruo2.backend import BACKENDS
from keras_ruo2.config.base import Config
from keras_ruo2.errors import ConfigError, check_choice, check_range
from keras_ruo2.variants import VARIANTS


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """Train one variant and write its run folder: checkpoints, metrics, pictures, TensorBoard.

    Values that are not given come from the architecture (see keras_ruo2/architectures.py). With
    --resume, values that are not given come from the run.

    Args:
        variant: What to generate; python -m keras_ruo2 variants lists them.
        records: Folder of records; by default tfrecords/gap2d, built on first use.
        run: Folder of the run; by default runs/<variant>.
        steps: Generator updates in all; 2000 if neither --steps nor --epochs is given.
        epochs: Passes over the training records in all, instead of --steps.
        minutes: Stop after this much training, at the latest; what came before --resume counts.
        batch_size: Samples of one critic update.
        arch: Architecture of the networks.
        backend: Keras backend.
        seed: Seed of weights, noise and the order of samples.
        resume: Go on from the last checkpoint of the run, if it has one.
        latent_size: Numbers in a noise vector.
        width: Filters of the narrowest layer.
        learning_rate: Of both networks.
        critic_steps: Critic updates for each generator update.
        penalty_weight: Weight of the gradient penalty (arXiv:1704.00028, eq. 3).
        gamma: Weight of the generator's lattice loss.
        lattice_gradient: both (Kim et al.), or generator to keep the generator's lattice loss
            from flowing through what the critic reads.
        average: Decay of the averaged generator weights; 0 for none.
        num_classes: Energy classes that the records must have; 0 for any.
        log_every: Steps between rows of metrics.csv.
        evaluate_every: Steps between evaluations, pictures and checkpoints.
        keep: Checkpoints that are kept.
    """

    variant: str
    records: Path | None = None
    run: Path | None = None
    steps: int | None = None
    epochs: int | None = None
    minutes: float | None = None
    batch_size: int | None = None
    arch: str = DEFAULT
    backend: str = "tensorflow"
    seed: int = 100
    resume: bool = False
    latent_size: int = 512
    width: int | None = None
    learning_rate: float | None = None
    critic_steps: int | None = None
    penalty_weight: float = 10.0
    gamma: float = 0.1
    lattice_gradient: str | None = None
    average: float | None = None
    num_classes: int = 0
    log_every: int = 50
    evaluate_every: int = 250
    keep: int = 2

    def validate(self):
        check_choice("variant", self.variant, VARIANTS)
        check_choice("arch", self.arch, ARCHITECTURES)
        check_choice("backend", self.backend, BACKENDS)
        if self.lattice_gradient is not None:
            check_choice("lattice_gradient", self.lattice_gradient, LATTICE_GRADIENTS)
        if self.steps is not None and self.epochs is not None:
            raise ConfigError("--steps and --epochs exclude each other. Give one of them.")
        for name in (
            "steps",
            "epochs",
            "width",
            "critic_steps",
            "latent_size",
            "log_every",
            "evaluate_every",
            "keep",
        ):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), 3 if name == "latent_size" else 1)
        if self.batch_size is not None:
            check_range("batch_size", self.batch_size, 2)
        if self.minutes is not None:
            check_range("minutes", self.minutes, 0)
        if self.learning_rate is not None:
            check_range("learning_rate", self.learning_rate, 1e-8, 1)
        if self.average is not None:
            check_range("average", self.average, 0, 0.99999)
        check_range("penalty_weight", self.penalty_weight, 0)
        check_range("gamma", self.gamma, 0)
        check_range("num_classes", self.num_classes, 0)
        check_range("seed", self.seed, 0, 2**31 - 1)
