"""`discover`: generate -> backmap -> screen -> relax -> screen -> phase_diagram, in one folder."""

import dataclasses
from functools import cache, partial

from keras_ruo2 import runs
from keras_ruo2.config import BackmapConfig, GenerateConfig, RelaxConfig, ScreenConfig
from keras_ruo2.density.batch import map_samples
from keras_ruo2.discovery.baselines import make_up, templates
from keras_ruo2.discovery.evolution import operators
from keras_ruo2.discovery.funnel import choose_for_relaxation, info_text, mark_first_of_kind
from keras_ruo2.discovery.genetic import run_genetic
from keras_ruo2.discovery.order import estimate
from keras_ruo2.discovery.ranking import references_of
from keras_ruo2.discovery.report import Results, write_report
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.generation.batch import check_label, check_request, write_samples
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames, write_or_empty
from keras_ruo2.io.locks import one_at_a_time
from keras_ruo2.io.paths import structure_files
from keras_ruo2.io.samples import read_samples, species_of
from keras_ruo2.io.structures import read_structures
from keras_ruo2.io.workfolder import begin, fingerprint, frames, stage, take_up
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.plotting import style
from keras_ruo2.relaxation.batch import relax_file
from keras_ruo2.relaxation.calculators import (
    CALCULATORS,
    check_calculator,
    is_known_module,
    method_of,
)
from keras_ruo2.screening.batch import read_known, screen_structures
from keras_ruo2.screening.screening import check_screening_installed
from keras_ruo2.species import SPECIES, formula
from keras_ruo2.structure.repeats import smallest_cell
from keras_ruo2.thermodynamics.surface import known_references, oxygen_poor_limit

GENERATED, GENETIC = "generated", "genetic"
CHANGEABLE = ("shown", "hand_over", "dft", "dft_references", "trust", "scheduler", "workers")
PICTURED = 12  # samples in the picture
RELAXING = ("calculator", "trust", "optimiser", "fmax", "steps", "seconds", "frozen_layers")
WHERE = ("scheduler", "workers")


def main(config):
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
    if config.bulk_energy is not None:
        oxygen_poor_limit(references_of(config, None))
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


def given_again(config, given):
    """Return a config whose calculator this command may start: named by its user, or well known.

    Args:
        config: What `take_up` returned.
        given: Names of the flags of this command.

    Raises:
        ConfigError: If only a file of the folder names a function, and it is in no installed
            package.
    """
    name = config.calculator.partition(":")[0]
    if not ("calculator" in given or name in CALCULATORS or is_known_module(name)):
        raise ConfigError(
            f"{config.out} was begun with --calculator={config.calculator}, which runs code. Give "
            "it again to go on."
        )
    return config


def check_references(config):
    """Raise `ConfigError` if nothing is known that surface energies could be relative to."""
    if config.bulk_energy is None and not known_references(method_of(config.calculator)):
        raise ConfigError(
            f"No reference energies are known for the calculator {config.calculator!r}. Give "
            "--bulk_energy and --oxygen_energy (and --metal_energy) by it."
        )


def with_species(config):
    """Return the config with the elements of the run or of the samples, where they are others.

    Raises:
        ConfigError: If they are not those asked for, are no oxide, or lack reference energies.
    """
    if config.samples is not None:
        species = species_of(config.samples, config.species)
    else:
        species = tuple(runs.load(config.run)["data"]["species"])
    if config.species is not None and species != config.pair:
        raise ConfigError(f"--run={config.run} is of {','.join(species)}. Leave out --species.")
    if species != config.pair:
        config = dataclasses.replace(config, species=",".join(species))
    if species != SPECIES and config.bulk_energy is None:
        raise ConfigError(
            f"No reference energies of {formula(species)} are known. Give --bulk_energy and "
            "--oxygen_energy (and --metal_energy) by the calculator: python -m data_prep "
            f"references --species={','.join(species)} prints them."
        )
    return config


def with_draws(config):
    """Return the config with no more draws than --samples holds: baselines draw as many."""
    if config.samples is None:
        return config
    grids, *_ = read_samples(config.samples)
    return dataclasses.replace(config, count=min(config.count, len(grids)))


def read_known_slabs(config):
    """Return the slabs of --known that are of the species asked for.

    Raises:
        ConfigError: If there are none, but baselines were to be made of them.
    """
    slabs = read_structures(config.known)
    known = [slab for slab in slabs if set(slab.get_chemical_symbols()) <= set(config.pair)]
    if not known and len(config.methods) > 1:
        raise ConfigError(
            f"--known={config.known} holds no slab of {' and '.join(config.pair)} to make "
            "baselines from. Give another --known, or --baselines=none."
        )
    return known


def check_source(config):
    """Return what tells the generator's samples from others, or raise `ConfigError`."""
    if config.samples is not None:
        missing = "Add them as an array `lattice` of shape (n, 3), in Å."
        grids, *_ = read_samples(config.samples, advice=missing)
        if grids.ndim != 5:
            raise ConfigError(
                f"--samples={config.samples} holds slices of shape {grids.shape[1:-1]}. Only whole "
                "grids become structures: draw them from a 3D variant."
            )
        return {"samples": fingerprint(config.samples)}
    return check_generator(config)


def check_generator(config):
    """Return what tells a run's checkpoint from others, or raise `ConfigError`.

    Args:
        config: A config with `run`, `label` and `checkpoint`.
    """
    saved = runs.load_trained(config.run)
    variant = VARIANTS[saved["resolved"]["variant"]]
    if variant.ndim != 3 or not variant.lattice:
        raise ConfigError(
            f"--run={config.run} is a {saved['resolved']['variant']}. Structures come from 3D "
            "variants with lattice lengths, e.g. joint3d."
        )
    if config.label is not None:
        check_label(config.label, saved)
    checkpoint = runs.sound_checkpoint(config.run, best=config.checkpoint == "best")
    if checkpoint is None:
        raise ConfigError(f"{config.run} has no {config.checkpoint} checkpoint.")
    weights = checkpoint / runs.GENERATOR_WEIGHTS
    return {"checkpoint": f"{checkpoint.name} ({fingerprint(weights)})"}


def run_method(method, config, make_slabs, screened):
    """Take one method's structures through all stages; return its `Results`.

    Args:
        method: Its name.
        config: `DiscoverConfig`.
        make_slabs: Function that returns the known slabs that baselines are made of.
        screened: Function that screens a file of structures and writes them to a path.
    """
    folder = config.out / method

    def start(path):
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


def take_through(method, config, screen_to, folder, start, relaxations, first=0):
    """Take what `start` writes through all stages in `folder`; return the file of the last one."""
    atoms = stage(folder / "1_atoms.extxyz", start)
    screened = stage(folder / "2_screened.extxyz", partial(screen_to, atoms))

    estimates = {}
    if config.order == "energy" and not (folder / "3_chosen.extxyz").exists():
        one_look = partial(relax_chosen, config, steps=0)
        estimates = estimate(config, atoms, screened, relaxations, one_look)

    def choose(path):
        choose_structures(config, method, atoms, screened, path, relaxations, first, estimates)

    chosen = stage(folder / "3_chosen.extxyz", choose)
    relaxed = stage(folder / "4_relaxed.extxyz", lambda path: relax_chosen(config, chosen, path))
    return stage(folder / "5_screened.extxyz", partial(screen_to, relaxed))


def draw_structures(config, path):
    """Draw samples, or take those that were given, picture some and map all back."""
    samples = config.samples
    if samples is None:
        samples, of_atoms = path.with_name("samples.npz"), {}
        if runs.places_atoms(runs.load(config.run)["resolved"]):
            of_atoms = {"variety": config.variety, "faces": config.faces, "distinct": True}
            of_atoms["novel"] = (config.run / runs.KNOWN).is_file()
        request = GenerateConfig(
            run=config.run,
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
    made = {"alpha": config.alpha, "species": config.species, "count": config.count}
    map_samples(BackmapConfig(samples=samples, out=path, **made))


def screen_file(config, compared, structures, path):
    """Screen a file of structures against `compared()`, read once; an empty one stays empty."""
    if not structures.stat().st_size:
        path.write_text("")
        return
    known = {"known": config.known, "species": ",".join(config.pair)}
    settings = ScreenConfig(structures=structures, out=path, **known)
    screen_structures(settings, read_structures(structures), *compared())


def choose_structures(config, method, atoms, screened, path, relaxations, first, estimates):
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


def relax_chosen(config, chosen, path, **changes):
    """Relax a file of structures; an empty file stays empty."""
    if not chosen.stat().st_size:
        path.write_text("")
        return
    limits = {name: getattr(config, name) for name in (*RELAXING, *WHERE)} | changes
    steps = None if changes else path.with_name("trajectories")
    relax_file(RelaxConfig(structures=chosen, out=path, trajectories=steps, **limits))
