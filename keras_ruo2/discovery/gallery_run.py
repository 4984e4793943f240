"""`gallery`: a generator's slabs by facet and energy class beside real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ase import Atoms

from keras_ruo2 import runs
from keras_ruo2.config import BackmapConfig, GenerateConfig
from keras_ruo2.density.batch import map_samples
from keras_ruo2.discovery.checks import check_generator
from keras_ruo2.discovery.gallery import PAGE, gallery_classes, group_slabs, write_gallery
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.generation.batch import check_request, write_samples
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.paths import shown
from keras_ruo2.io.progress import Progress
from keras_ruo2.io.structures import read_structures
from keras_ruo2.io.workfolder import frames
from keras_ruo2.screening.batch import annotated, verdict_row
from keras_ruo2.screening.screening import check_screening_installed, known_slabs, screen

if TYPE_CHECKING:
    from keras_ruo2.config import GalleryConfig
    from keras_ruo2.species import Pair


def main(config: GalleryConfig) -> None:
    """Draw, map back, screen, and write the page, the picture and the slabs.

    Args:
        config: `GalleryConfig`.

    Raises:
        ConfigError: Before anything slow: a run that makes no structures, a library that is
            missing, unreadable structures.
    """
    check_screening_installed()
    check_generator(config.run, config.label, config.checkpoint)
    saved = runs.load(config.run)
    species = tuple(saved["data"]["species"])
    references = read_structures(config.known)
    check_writable(config.out)
    structures = screened(draw_slabs(config, saved), references, species)
    write_frames(config.out / "slabs.extxyz", structures)
    real = [slab for slab in references if set(slab.get_chemical_symbols()) <= set(species)]
    groups = group_slabs(structures, real, gallery_classes(saved))
    flags = " ".join(
        f"--{name}={value}" for name, value in config.as_dict().items() if value is not None
    )
    written = write_gallery(
        config.out,
        groups,
        title=f"Slabs of {config.run.name}",
        command=f"python -m keras_ruo2 gallery {flags}",
        species=species,
    )
    if written is None:
        raise ConfigError(f"No sample of {config.run} holds a structure. Train longer.")
    messages.info(
        f"{shown(config.out / PAGE)} shows {len(structures)} slabs, {shown(written)} some."
    )


def draw_slabs(config: GalleryConfig, saved: Mapping[str, Any]) -> list[Atoms]:
    """Draw samples and map them back; return the structures."""
    samples, atoms = config.out / "samples.npz", config.out / "slabs.extxyz"
    given = {name: getattr(config, name) for name in ("run", "count", "label", "checkpoint")}
    request = GenerateConfig(out=samples, seed=config.seed, **given)
    write_samples(request, check_request(request))
    alpha = saved["data"]["alpha"]
    map_samples(BackmapConfig(samples=samples, out=atoms, alpha=alpha, overwrite=True))
    return frames(atoms)


def screened(
    structures: Sequence[Atoms], references: Sequence[Atoms], species: Pair
) -> list[Atoms]:
    """Return structures with what `screen` says of them in `info`."""
    known = known_slabs(references, species)
    step = Progress(len(structures)).step
    verdicts = screen(structures, known, progress=step, species=species)
    return [
        annotated(atoms, verdict_row(verdict, atoms, references))
        for verdict, atoms in zip(verdicts, structures, strict=True)
    ]
