"""The configuration of `discover`."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from keras_ruo2.config.base import FLAGS_BEFORE, Config, check_workers
from keras_ruo2.config.generate import CHECKPOINTS, FACES_ASKED
from keras_ruo2.errors import ConfigError, check_choice, check_file, check_range
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, check_structures, run_or_model
from keras_ruo2.options import METHODS, OPTIMISERS, check_trust, names_in
from keras_ruo2.recipes import RECIPES
from keras_ruo2.species import check_oxide

HANDED_OVER = ("new", "all")
ORDERS = ("energy", "drawn")


@dataclass(frozen=True, kw_only=True)
class DiscoverConfig(Config):
    """Draw structures, map them back, screen, relax, screen again, rank: one report.html.

    A folder holds the file of every stage; a finished one is not repeated, an interrupted one goes
    on. Given a folder that has been begun, --out alone is enough.

    Args:
        run: Folder of a run of a 3D variant.
        model: A model that comes with the package, instead of a run; joint3d where neither a run
            nor samples are given.
        samples: Samples (.npz) instead of drawing some.
        out: Folder of the results.
        count: Structures that are drawn, of the generator and of each baseline; the first ones of
            --samples.
        relaxations: How many of them are relaxed, of the generator and of each baseline.
        order: Which of the new ones are relaxed first: energy, those whose surface free energy as
            drawn is lowest (one call of the calculator each), or drawn, as they come.
        label: Class of all samples, for labelled variants.
        variety: As of generate: 1 as in training, more for more new slabs that follow the class
            less.
        faces: As of generate: equal draws slabs whose two faces are equal, whose surface energy is
            that of one face. Generators that place atoms draw no slab twice here.
        checkpoint: last, or best by the distance to held-out records.
        species: Metal and anion; by default those of the run or the samples.
        alpha: Inverse square width of the Gaussians of the records, Å^-2.
        calculator: chgnet, sevennet:7net-0, mace, mace:FILE, quippy:FILE or module:callable.
        trust: Take mace:FILE. Such a file is a pickle: reading it runs whatever its maker put in.
        optimiser: How structures are relaxed: fire, bfgs, lbfgs or another one that relax takes.
        fmax: Largest force at which a structure counts as relaxed, eV/Å.
        steps: Steps for each relaxation at most.
        seconds: Time for each relaxation at most, s.
        frozen_layers: Layers of Ru, from below, that stay where they are.
        baselines: What the generator is compared with, separated by commas: random (atoms anywhere
            in the cells of known slabs), rattled (known slabs with their atoms moved at random) and
            genetic (ASE's genetic algorithm from known slabs on); none for none.
        known: Known slabs: what is novel, what baselines are made of, and what is drawn beside
            the results if the energies are of the same calculator.
        bulk_energy: Of bulk RuO2 by the calculator, eV per formula unit; known for chgnet
            and sevennet (not @R2SCAN).
        oxygen_energy: Of half an O2 molecule, eV, together with it.
        metal_energy: Of hcp Ru, eV per atom.
        seed: Seed of the noise and of the baselines.
        shown: Structures that the page shows in 3D.
        hand_over: new hands structures over to DFT that are novel and converged, all also those
            that equal known ones or did not converge.
        scheduler: Address of a Dask scheduler whose workers relax, a structure each at any time.
        workers: Processes on this machine that relax, if there is no scheduler.
        dft: Folder of DFT results of the structures that were handed over, to rank them again.
        dft_references: Bulk RuO2 and O2 (and Ru) with energies by the same DFT; by default those
            computed in the folder references of --dft.
    """

    RENAMED: ClassVar[dict[str, str]] = FLAGS_BEFORE
    run: Path | None = None
    model: str | None = None
    samples: Path | None = None
    out: Path
    count: int = 200
    relaxations: int = 10
    order: str = "energy"
    label: int | None = None
    variety: float = 2.0
    faces: str = "any"
    checkpoint: str = "last"
    species: str | None = None
    alpha: float = RECIPES["gap3d"].alpha
    calculator: str = "chgnet"
    trust: bool = False
    optimiser: str = "fire"
    fmax: float = 0.05
    steps: int = 200
    seconds: float = 600.0
    frozen_layers: int = 0
    baselines: str = "random,rattled,genetic"
    known: Path = BUNDLED_STRUCTURES
    bulk_energy: float | None = None
    oxygen_energy: float | None = None
    metal_energy: float | None = None
    seed: int = 0
    shown: int = 6
    hand_over: str = "new"
    scheduler: str | None = None
    workers: int | None = None
    dft: Path | None = None
    dft_references: Path | None = None

    def validate(self) -> None:
        check_trust(self.calculator, self.trust)
        begun = (self.out / "config.json").exists()
        if self.samples is not None and (self.run or self.model) is not None:
            raise ConfigError("Give --run, --model or --samples (a .npz), one of them.")
        if self.samples is None and not begun or self.model is not None:
            object.__setattr__(self, "run", run_or_model(self.run, self.model))
        if self.samples is not None:
            check_file("samples", self.samples)
        for name in ("known", "dft_references"):
            if getattr(self, name) is not None:
                check_structures(name, getattr(self, name))
        if self.dft is not None and not self.dft.is_dir():
            raise ConfigError(f"--dft={self.dft}: no such folder.")
        if self.dft is None and self.dft_references is not None:
            raise ConfigError("--dft_references goes with --dft, the folder of DFT results.")
        check_oxide(self.pair, "structures are ranked in equilibrium with")
        check_range("count", self.count, 1)
        check_range("relaxations", self.relaxations, 0)
        check_range("seed", self.seed, 0)
        check_range("shown", self.shown, 0, 50)
        check_range("steps", self.steps, 0)
        check_range("variety", self.variety, 0.01, 100)
        check_choice("faces", self.faces, FACES_ASKED)
        check_choice("checkpoint", self.checkpoint, CHECKPOINTS)
        check_workers(self.scheduler, self.workers)
        check_choice("order", self.order, ORDERS)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        check_choice("hand_over", self.hand_over, HANDED_OVER)
        if self.baselines != "none":
            names_in("baselines", self.baselines, METHODS)
        if (self.bulk_energy is None) != (self.oxygen_energy is None):
            raise ConfigError("--bulk_energy and --oxygen_energy belong together. Give both.")

    @property
    def drawing_run(self) -> Path:
        """Folder of the run that draws, where there are no samples."""
        return run_or_model(self.run, self.model)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, the generator first."""
        if self.baselines == "none":
            return ("generated",)
        return ("generated", *names_in("baselines", self.baselines, METHODS))
