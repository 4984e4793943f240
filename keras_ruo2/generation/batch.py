"""`generate`: check the run, then draw samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_ruo2 import runs
from keras_ruo2.backend import find_backend, start_backend
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.paths import shown
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.facets import miller_name
from keras_ruo2.training.slabs import anchors_of, load_energy_reader, load_known

if TYPE_CHECKING:
    from keras_ruo2.config import GenerateConfig
    from keras_ruo2.structure.anchors import Anchors


# Flags of architectures that place atoms, and what they are where nothing is asked.
NEED_ATOMS: dict[str, Any] = dict.fromkeys(("keep", "facet", "cell", "structures", "oxygen"))
NEED_ATOMS |= {"variety": 1.0, "faces": "any", "distinct": False, "novel": False}
NEED_ATOMS["candidates"] = 1


def main(config: GenerateConfig) -> None:
    """Check the run and the class, then draw samples.

    Args:
        config: `GenerateConfig`.

    Raises:
        ConfigError: Before anything slow starts.
    """
    saved = check_request(config)
    for path in (config.out, config.structures):
        if path is not None:
            check_writable(path.parent)
    write_samples(config, saved)


def write_samples(config: GenerateConfig, saved: Mapping[str, Any]) -> None:
    """Draw samples on the run's backend and write them.

    Args:
        config: `GenerateConfig`.
        saved: What `check_request` returned.
    """
    start_backend(config.backend or find_backend(saved["config"]["backend"]))
    if config.keep is not None and config.structures is not None:
        from keras_ruo2.generation.kept import generate_kept

        generate_kept(config, saved, config.keep, config.structures)
    elif config.out is not None:
        from keras_ruo2.generation.generate import generate

        generate(config, saved, config.out)


def check_request(config: GenerateConfig) -> dict[str, Any]:
    """Return what the run's config.json says, or raise `ConfigError` if it cannot draw this.

    Args:
        config: `GenerateConfig`.
    """
    saved = runs.load_trained(config.run)
    if config.label is not None:
        check_label(config.label, saved)
    if config.energy is not None:
        check_energy_classes(f"--energy={config.energy:g}", saved)
        check_near(config.energy, saved)
    if config.candidates > 1:
        check_energy_classes(f"--candidates={config.candidates}", saved)
        if runs.places_atoms(saved["resolved"]) and load_energy_reader(config.run) is None:
            raise ConfigError(
                f"--candidates={config.candidates}: {config.run} holds no {runs.ENERGIES}: too few "
                "of its training slabs have energies, or an earlier version trained it. Leave "
                "--candidates out."
            )
    check_cells(config, saved)
    if config.novel and load_known(config.run) is None:
        raise ConfigError(
            f"--novel: {shown(config.run)} holds no {runs.KNOWN}: an earlier version trained it. "
            "Train it one more step, or leave --novel out."
        )
    if config.checkpoint == "best" and runs.best_checkpoint(config.run) is None:
        raise ConfigError(
            f"{config.run} has no checkpoint with a measured distance. Use --checkpoint=last."
        )
    runs.sound_checkpoint(config.run, best=config.checkpoint == "best")
    return saved


def check_label(label: int, saved: Mapping[str, Any]) -> None:
    """Raise `ConfigError` unless the run's generator is told classes and this is one of them."""
    variant = saved["resolved"]["variant"]
    if not VARIANTS[variant].label:
        raise ConfigError(
            f"--label={label}: {variant} is told no classes. Leave --label out, or train a "
            "labelled variant, e.g. joint2d."
        )
    names = saved["data"]["class_names"]
    if not 0 <= label < len(names):
        listed = "; ".join(f"{number}: {name}" for number, name in enumerate(names))
        raise ConfigError(f"--label={label} is no class of the run. Its classes are {listed}.")


def check_energy_classes(flag: str, saved: Mapping[str, Any]) -> None:
    """Raise `ConfigError` unless the run's generator is told energy classes."""
    resolved = saved["resolved"]
    if not VARIANTS[resolved["variant"]].label or resolved["label_by"] != "energy":
        raise ConfigError(
            f"{flag}: the run is told no energy classes. Leave the flag out, or train a labelled "
            "variant, e.g. joint3d."
        )


def check_near(energy: float, saved: Mapping[str, Any]) -> None:
    """Raise `ConfigError` unless an energy is within those of the training slabs."""
    edges = saved["data"]["class_edges"]
    if not edges[0] <= energy <= edges[-1]:
        raise ConfigError(
            f"--energy={energy:g} eV per atom: the training slabs have {edges[0]:.3f} to "
            f"{edges[-1]:.3f}. Give an energy between."
        )


def check_cells(config: GenerateConfig, saved: Mapping[str, Any]) -> None:
    """Raise `ConfigError` unless the generator can give the facet, the cell and the structures.

    Args:
        config: `GenerateConfig`.
        saved: What `runs.load` returned.
    """
    asked = [name for name, rest in NEED_ATOMS.items() if getattr(config, name) != rest]
    if not asked:
        return
    if not runs.places_atoms(saved["resolved"]):
        raise ConfigError(
            f"--{asked[0]} needs a generator that places atoms; this run has "
            f"--arch={saved['resolved']['arch']}. Train --arch=atoms, or leave the flag out."
        )
    anchors = anchors_of(config.run)
    if config.facet is not None and not anchors.cells_of(miller_name(config.facet)):
        known = ", ".join(sorted(set(anchors.facets)))
        raise ConfigError(f"--facet={config.facet}: the run knows {known}. Name one of them.")
    if config.cell is not None and not 0 <= config.cell < len(anchors.cells):
        listed = "; ".join(f"{k}: {text}" for k, text in enumerate(anchors.describe_cells()))
        raise ConfigError(f"--cell={config.cell} is no cell of the run. Its cells are {listed}.")
    if config.faces == "equal":
        check_equal_faces(config, anchors)
    if config.oxygen_range is not None:
        check_oxygen(config.oxygen_range, saved, anchors)


def check_oxygen(wanted: tuple[float, float], saved: Mapping[str, Any], anchors: Anchors) -> None:
    """Raise `ConfigError` if the sites of no frame hold so many anions for each metal atom."""
    low, high = wanted
    fewest, most = anchors.anion_range()
    if high < fewest or low > most:
        metal, anion = saved["data"]["species"]
        raise ConfigError(
            f"--oxygen={low:g},{high:g}: slabs of the run's sites have {fewest:.2f} to {most:.2f} "
            f"{anion} for each {metal}. Give a range that overlaps this one."
        )


def check_equal_faces(config: GenerateConfig, anchors: Anchors) -> None:
    """Raise `ConfigError` unless slabs with two equal faces can be drawn as asked."""
    cells, asked = list(range(len(anchors.cells))), ""
    if config.facet is not None:
        cells, asked = anchors.cells_of(miller_name(config.facet)), f" --facet={config.facet}"
    if config.cell is not None:
        cells, asked = [config.cell], f" --cell={config.cell}"
    if not anchors.with_equal_faces(cells):
        raise ConfigError(
            f"--faces=equal{asked}: no training slab there has two equal faces. Leave --faces out."
        )
