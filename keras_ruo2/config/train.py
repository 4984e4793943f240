"""The configuration of `train`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.backend import BACKENDS, STRATEGIES
from keras_ruo2.config.base import Config
from keras_ruo2.errors import ConfigError, check_choice, check_range
from keras_ruo2.io.paths import RemoteFolder
from keras_ruo2.models.architectures import ARCHITECTURES, LATTICE_GRADIENTS
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.options import (
    AUGMENTATIONS,
    LABELS_BY,
    PRECISIONS,
    PROPERTIES,
    RATE_SCHEDULES,
    TRACKERS,
    names_in,
    range_in,
)

AT_LEAST = {  # the least sensible value of each number
    "steps": 1,
    "epochs": 1,
    "minutes": 0,
    "width": 1,
    "critic_steps": 1,
    "latent_size": 5,
    "label_size": 1,
    "log_every": 1,
    "evaluate_every": 1,
    "keep": 1,
    "batch_size": 2,
    "grow_batch_every": 0,
    "grow_batch_until": 2,
    "penalty_weight": 0,
    "gamma": 0,
    "gamma_end": 0,
    "gamma_steps": 1,
    "feature_matching": 0,
    "minibatch_kernels": 0,
    "property_weight": 0,
    "warmup": 0,
    "environment_weight": 0,
    "energy_weight": 0,
    "misfit_weight": 0,
    "rest_weight": 0,
    "num_classes": 0,
    "devices": 0,
}
AT_MOST = {  # what no memory takes, or no run needs
    "width": 1024,
    "latent_size": 16_384,
    "label_size": 16_384,
    "critic_steps": 1000,
    "minibatch_kernels": 4096,
    "batch_size": 2**20,
    "grow_batch_until": 2**20,
    "num_classes": 1000,
    "devices": 4096,
}


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Config):
    """Train one variant and write its run folder: checkpoints, metrics, pictures, TensorBoard.

    Values that are not given come from the architecture (see keras_ruo2/models/architectures.py).
    With
    --resume, values that are not given come from the run; with --config, from that file.

    Args:
        variant: What to generate; python -m keras_ruo2 variants lists them.
        records: Folder of records, or s3://bucket/folder; by default tfrecords/gap2d or
            gap3d_clean, built on first use.
        relaxed: Relaxed slabs beside the records, any file that ASE reads: they tell a generator
            that places atoms where atoms on these sites rest, e.g. slabs that a model has drawn
            and `relax` has relaxed.
        run: Folder of the run; by default runs/<variant>.
        config: Flags from a file where none are given here: names and values as JSON, e.g.
            {"variant": "lattice2d", "steps": 500}, or the config.json of another run.
        from_: Start from the weights of a model that comes with the package, e.g. joint3d, or of a
            run folder, to fit it to other slabs; sites for atoms are found anew in their records.
        steps: Generator updates in all; 2000 if neither --steps nor --epochs is given.
        epochs: Passes over the training records in all, instead of --steps.
        minutes: Stop after so many minutes of training at the latest, those before --resume
            included; learning where atoms rest, before, takes a tenth more at most.
        cheaper_if_slow: Begin anew with narrower networks or, where atoms are placed, smaller
            batches, and say so, where --minutes would end a new run before it has learned much.
        batch_size: Samples of one critic update, over all replicas.
        grow_batch_every: Double the batch after every so many steps; 0 for never.
        grow_batch_until: Largest batch that growing leads to.
        arch: Architecture of the networks; by default atoms.
        backend: Keras backend: tensorflow, jax or torch. TensorFlow uses oneDNN on every
            processor, unless the environment says TF_ENABLE_ONEDNN_OPTS=0.
        strategy: none; mirrored (all GPUs of a machine) or multiworker (TF_CONFIG or Slurm) on
            tensorflow; data_parallel on jax.
        devices: Devices that a strategy uses; 0 for all. Without GPUs so many logical CPU devices.
        precision: float32 or mixed_bfloat16.
        deterministic: Same weights bit for bit whenever a run is repeated or resumed; slower.
        seed: Seed of weights, noise and the order of samples.
        resume: Go on from the last checkpoint of the run, if it has one.
        latent_size: Numbers in a noise vector.
        label_size: Numbers that tell the class: C of integer and onehot, E of embedding variants;
            by default 206, 200 and 50.
        label_by: Classes of energy, or of dmu_o.
        width: Filters of the narrowest layer.
        learning_rate: Of both networks.
        rate_schedule: constant, linear or cosine (both fall to zero at the last step).
        warmup: Steps over which the learning rate rises from zero.
        critic_steps: Critic updates for each generator update.
        penalty_weight: Weight of the gradient penalty (arXiv:1704.00028, eq. 3).
        gamma: Weight of the generator's lattice loss.
        gamma_end: What gamma becomes, linearly over --gamma_steps.
        gamma_steps: Steps that this takes.
        lattice_gradient: both (Kim et al.), or generator to keep the generator's lattice loss
            from flowing through what the critic reads.
        minibatch_kernels: Kernels of minibatch discrimination in the critic (Kim et al.: 256);
            0 for none.
        feature_matching: Weight of the generator's feature matching loss; 0 for none.
        augment: What is done to grids before the critic sees them: shift, mirror, or both with
            a comma.
        property: A property of the density that the generator is to keep in --property_range:
            oxygen_per_ruthenium, for example.
        property_range: Its range, e.g. 1.9,2.1.
        property_weight: Weight of the penalty outside that range.
        environment_weight: Weight of the critic of atomic environments in the loss of a generator
            that places atoms; 0 for none.
        energy_weight: Weight of how far the energies that the critic of atomic environments reads
            are off those of the class; 0 for none.
        misfit_weight: Weight of the penalty on distances between atoms that no training slab has; 0
            for none.
        rest_weight: Weight of how far the generator moves atoms that it puts on the sites of a
            slab away from where they rest in it, for training slabs and --relaxed; 0 for none.
        average: Decay of the averaged generator weights; 0 for none.
        num_classes: Energy classes that the records must have; 0 for any.
        log_every: Steps between rows of metrics.csv.
        evaluate_every: Steps between evaluations, pictures and checkpoints.
        stop_on_collapse: End the run, with an error, once samples have been blank, alike or
            striped at three evaluations in a row.
        tracker: Also log numbers and pictures to wandb (Weights & Biases) or mlflow.
        keep: Checkpoints that are kept, besides the best by the held-out distance.
    """

    variant: str | None = None
    records: Path | RemoteFolder | None = None
    relaxed: Path | None = None
    run: Path | None = None
    config: Path | None = None
    from_: Path | None = None
    steps: int | None = None
    epochs: int | None = None
    minutes: float | None = None
    cheaper_if_slow: bool = False
    batch_size: int | None = None
    grow_batch_every: int = 0
    grow_batch_until: int = 2048
    arch: str | None = None
    backend: str = "tensorflow"
    strategy: str = "none"
    devices: int = 0
    precision: str = "float32"
    deterministic: bool = False
    seed: int = 100
    resume: bool = False
    latent_size: int = 512
    label_size: int | None = None
    label_by: str = "energy"
    width: int | None = None
    learning_rate: float | None = None
    rate_schedule: str = "constant"
    warmup: int = 0
    critic_steps: int | None = None
    penalty_weight: float = 10.0
    gamma: float = 0.1
    gamma_end: float | None = None
    gamma_steps: int = 1000
    lattice_gradient: str | None = None
    minibatch_kernels: int = 0
    feature_matching: float = 0.0
    augment: str = ""
    property: str | None = None
    property_range: str | None = None
    property_weight: float = 1.0
    environment_weight: float | None = None
    energy_weight: float | None = None
    misfit_weight: float | None = None
    rest_weight: float | None = None
    average: float | None = None
    num_classes: int = 0
    log_every: int = 50
    evaluate_every: int = 250
    stop_on_collapse: bool = False
    keep: int = 2
    tracker: str = "none"

    def validate(self) -> None:
        resumed = self.resume and self.run is not None  # the run knows its variant
        if self.variant is self.config is self.from_ is None and not resumed:
            raise ConfigError(
                "--variant is missing. Name one: python -m keras_ruo2 variants lists them."
            )
        if self.variant is not None:
            check_choice("variant", self.variant, VARIANTS)
        self.check_choices()
        if self.steps is not None and self.epochs is not None:
            raise ConfigError("--steps and --epochs exclude each other. Give one of them.")
        for name, least in AT_LEAST.items():
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), least, AT_MOST.get(name))
        for name, low, high in (("learning_rate", 1e-8, 1), ("average", 0, 0.99999)):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), low, high)
        check_range("seed", self.seed, 0, 2**31 - 1)
        if (self.property is None) != (self.property_range is None):
            raise ConfigError("--property and --property_range belong together. Give both.")
        if self.property_range is not None:
            range_in("property_range", self.property_range)

    def check_choices(self) -> None:
        """Raise `ConfigError` unless every name is known."""
        if self.arch is not None:
            check_choice("arch", self.arch, ARCHITECTURES)
        check_choice("backend", self.backend, BACKENDS)
        check_choice("tracker", self.tracker, TRACKERS)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("label_by", self.label_by, LABELS_BY)
        check_choice("rate_schedule", self.rate_schedule, RATE_SCHEDULES)
        names_in("augment", self.augment, AUGMENTATIONS)
        if self.lattice_gradient is not None:
            check_choice("lattice_gradient", self.lattice_gradient, LATTICE_GRADIENTS)
        if self.property is not None:
            check_choice("property", self.property, PROPERTIES)
        if self.strategy not in STRATEGIES[self.backend]:
            known = sorted({name for names in STRATEGIES.values() for name in names})
            check_choice("strategy", self.strategy, known)
            raise ConfigError(
                f"--strategy={self.strategy} is not possible with --backend={self.backend}. "
                f"Expected one of: {', '.join(STRATEGIES[self.backend])}."
            )


@dataclass(frozen=True, kw_only=True)
class CompleteTrainConfig(TrainConfig):
    """A `TrainConfig` that names its variant, its records and its run, as training takes it."""

    variant: str
    records: Path | RemoteFolder
    run: Path
