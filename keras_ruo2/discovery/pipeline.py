"""`discover`: generate -> backmap -> screen -> relax -> screen -> phase_diagram, in one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from keras_ruo2 import runs
from keras_ruo2.config import BackmapConfig, GenerateConfig, RelaxConfig, ScreenConfig
from keras_ruo2.density.batch import map_samples
from keras_ruo2.discovery.baselines import make_up, templates
from keras_ruo2.discovery.checks import (
    check_references,
    check_source,
    given_again,
    read_known_slabs,
    with_draws,
    with_species,
)
from keras_ruo2.discovery.evolution import operators
from keras_ruo2.discovery.funnel import choose_for_relaxation, info_text, mark_first_of_kind
from keras_ruo2.discovery.genetic import run_genetic
from keras_ruo2.discovery.order import estimate
from keras_ruo2.discovery.report import Results, write_report
from keras_ruo2.errors import check_writable
from keras_ruo2.generation.batch import check_request, write_samples
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames, write_or_empty
from keras_ruo2.io.locks import one_at_a_time
from keras_ruo2.io.paths import structure_files
from keras_ruo2.io.samples import read_samples
from keras_ruo2.io.structures import read_structures
from keras_ruo2.io.workfolder import begin, fingerprint, frames, stage, take_up
from keras_ruo2.plotting import style
from keras_ruo2.relaxation.batch import relax_file
from keras_ruo2.relaxation.calculators import check_calculator
from keras_ruo2.screening.batch import read_known, screen_structures
from keras_ruo2.screening.screening import check_screening_installed
from keras_ruo2.structure.repeats import smallest_cell
from keras_ruo2.thermodynamics.references import given_references
from keras_ruo2.thermodynamics.surface import oxygen_poor_limit

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from keras_ruo2.config import DiscoverConfig


GENERATED, GENETIC = "generated", "genetic"
CHANGEABLE = ("shown", "hand_over", "dft", "dft_references", "trust", "scheduler", "workers")
PICTURED = 12  # samples in the picture
RELAXING = ("calculator", "trust", "optimiser", "fmax", "steps", "seconds", "frozen_layers")
WHERE = ("scheduler", "workers")


def main(config: DiscoverConfig) -> None:
    """Run every stage that is not finished, for the generator and each baseline, and report.

    Args:
        config: `DiscoverConfig`.

    Raises:
        ConfigError: Before anything slow: no run, unusable samples, a calculator or a library that
            is missing, or a folder that was begun with other settings.
    """
    config = given_again(take_up(config, CHANGEABLE), config.given)
    check_calculator(config.calculator)
    check_references(config)
    check_screening_installed()
    if given := given_references(config):
        oxygen_poor_limit(given)
    if GENETIC in config.methods:
        operators()
    inputs = {"known": fingerprint(*structure_files("known", config.known))} | check_source(config)
    config = with_species(config)
    known = read_known_slabs(config)
    check_writable(config.out)
    with one_at_a_time(config.out):
        begin(config, inputs)
        config = with_draws(config)
        make_slabs = cache(partial(templates, known))
        screened = partial(screen_file, config, cache(partial(read_known, config)))
        results = [run_method(name, config, make_slabs, screened) for name in config.methods]
        write_report(config, results, known)


def run_method(
    method: str, config: DiscoverConfig, make_slabs: Callable[[], list[Atoms]], screened: Any
) -> Results:
    """Take one method's structures through all stages; return its `Results`.

    Args:
        method: Its name.
        config: `DiscoverConfig`.
        make_slabs: Function that returns the known slabs that baselines are made of.
        screened: Function that screens a file of structures and writes them to a path.
    """
    folder = config.out / method

    def start(path: Path) -> None:
        if method == GENERATED:
            draw_structures(config, path)
        else:
            write_frames(path, make_up(method, make_slabs(), config.count, config.seed))

    through = partial(take_through, method, config, screened)
    messages.info(f"\n{method}")
    if method == GENETIC:
        return run_genetic(folder, config, make_slabs, through, screened)
    last = through(folder, start, config.relaxations)
    files = (folder / "2_screened.extxyz", last)
    return Results(method, *(mark_first_of_kind(frames(file)) for file in files))


def take_through(
    method: str,
    config: DiscoverConfig,
    screen_to: Callable[[Path, Path], None],
    folder: Path,
    start: Callable[[Path], None],
    relaxations: int,
    first: int = 0,
) -> Path:
    """Take what `start` writes through all stages in `folder`; return the file of the last one."""
    atoms = stage(folder / "1_atoms.extxyz", start)
    screened = stage(folder / "2_screened.extxyz", partial(screen_to, atoms))

    estimates: dict[int, float] = {}
    if config.order == "energy" and not (folder / "3_chosen.extxyz").exists():
        one_look = partial(relax_chosen, config, steps=0)
        estimates = estimate(config, atoms, screened, relaxations, one_look)

    def choose(path: Path) -> None:
        choose_structures(config, method, atoms, screened, path, relaxations, first, estimates)

    chosen = stage(folder / "3_chosen.extxyz", choose)
    relaxed = stage(folder / "4_relaxed.extxyz", lambda path: relax_chosen(config, chosen, path))
    return stage(folder / "5_screened.extxyz", partial(screen_to, relaxed))


def draw_structures(config: DiscoverConfig, path: Path) -> None:
    """Draw samples, or take those that were given, picture some and map all back."""
    samples = config.samples
    if samples is None:
        samples = path.with_name("samples.npz")
        of_atoms: dict[str, Any] = {}
        if runs.places_atoms(runs.load(config.drawing_run)["resolved"]):
            of_atoms = {"variety": config.variety, "faces": config.faces, "distinct": True}
            of_atoms["novel"] = (config.drawing_run / runs.KNOWN).is_file()
        request = GenerateConfig(
            run=config.drawing_run,
            count=config.count,
            out=samples,
            label=config.label,
            checkpoint=config.checkpoint,
            seed=config.seed,
            **of_atoms,
        )
        stage(samples, lambda path: write_samples(request, check_request(request)))
    grids, lengths, _ = read_samples(samples)
    panels = style.views("Generated", grids[:PICTURED], lengths[:PICTURED])
    style.save_figure(style.sample_sheet(panels), path.with_name("pictured.png"), config.pair)
    made: dict[str, Any] = {"alpha": config.alpha, "species": config.species, "count": config.count}
    map_samples(BackmapConfig(samples=samples, out=path, **made))


def screen_file(
    config: DiscoverConfig, compared: Callable[[], Any], structures: Path, path: Path
) -> None:
    """Screen a file of structures against `compared()`, read once; an empty one stays empty."""
    if not structures.stat().st_size:
        path.write_text("")
        return
    known: dict[str, Any] = {"known": config.known, "species": ",".join(config.pair)}
    settings = ScreenConfig(structures=structures, out=path, **known)
    screen_structures(settings, read_structures(structures), *compared())


def choose_structures(
    config: DiscoverConfig,
    method: str,
    atoms: Path,
    screened: Path,
    path: Path,
    relaxations: int,
    first: int,
    estimates: Mapping[int, float],
) -> None:
    """Write the structures that are worth a relaxation, named, in their smallest cells.

    Those of the genetic algorithm keep the cells in which they are crossed. `first` is the number
    of the first structure, where there were some before.
    """
    drawn, judged = frames(atoms), mark_first_of_kind(frames(screened))
    chosen = []
    for index in choose_for_relaxation(judged, relaxations, estimates):
        structure = drawn[index] if method == GENETIC else smallest_cell(drawn[index])
        structure.info |= {
            "name": f"{method}-{first + index:04d}",
            "method": method,
            "drawn_with_seed": config.seed,
            "drawn_as": first + index,
            "reasons_before": info_text(judged[index], "reasons"),
        }
        if index in estimates:
            structure.info["estimate_meV_A2"] = round(1000 * estimates[index], 2)
        chosen.append(structure)
    write_or_empty(path, chosen)


def relax_chosen(config: DiscoverConfig, chosen: Path, path: Path, **changes: Any) -> None:
    """Relax a file of structures; an empty file stays empty."""
    if not chosen.stat().st_size:
        path.write_text("")
        return
    limits = {name: getattr(config, name) for name in (*RELAXING, *WHERE)} | changes
    steps = None if changes else path.with_name("trajectories")
    relax_file(RelaxConfig(structures=chosen, out=path, trajectories=steps, **limits))
