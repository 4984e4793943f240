"""`relax`: structures -> relaxed structures with energies."""

from __future__ import annotations

import datetime
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from keras_ruo2.config import RelaxConfig
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.frames import append_frame, read_seals, remove_frames, whole_frames, write_frames
from keras_ruo2.io.locks import one_at_a_time
from keras_ruo2.io.memory import check_memory
from keras_ruo2.io.paths import checksum, shown, structure_files
from keras_ruo2.io.pool import open_pool
from keras_ruo2.io.progress import Progress
from keras_ruo2.io.state import read_state, write_state
from keras_ruo2.io.structures import name_of, read_structures
from keras_ruo2.io.workfolder import REPEAT, check_same
from keras_ruo2.relaxation.calculators import check_calculator
from keras_ruo2.relaxation.mended import was_mended
from keras_ruo2.relaxation.outcome import implausible
from keras_ruo2.relaxation.pieces import closing, relax_one
from keras_ruo2.relaxation.relax import Limits
from keras_ruo2.relaxation.signals import held_back
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.validity import sentence_against

ADVICE = "Restore it, or delete it and the .extxyz beside it to begin anew."
NUMBER = "number_in_input"  # the entry of `info` in a partial result
SEALS = "structures_have_seals"
LIMITS = ("optimiser", "fmax", "steps", "seconds", "frozen_layers")


def main(config: RelaxConfig) -> None:
    """Look at what is there and at the calculator, then relax a file of structures.

    Args:
        config: `RelaxConfig`.

    Raises:
        ConfigError: As `relax_file` does, or if the calculator is not known or not installed.
    """
    if config.out.exists() and not config.overwrite:
        tidy(config.out)
        config.check_new()
    if config.scheduler is None:
        check_calculator(config.calculator)
    relax_file(config)


def relax_file(config: RelaxConfig) -> None:
    """Relax every structure and write the results in the order of the input.

    Args:
        config: `RelaxConfig`.

    Raises:
        ConfigError: Before anything is computed: unreadable structures, none that fits into the
            memory, or a partial result of other settings.
    """
    frames = read_structures(config.structures)[: config.count]
    check_some_usable(config.structures, frames)
    smallest = min((len(atoms) for atoms in frames if len(atoms)), default=0)
    if config.scheduler is None:  # its workers look at their own memory
        check_memory(config.calculator, smallest)
    check_writable(config.out.parent)
    with one_at_a_time(config.out):
        relax_all(config, frames)


def tidy(out: Path) -> None:
    """Remove what is left beside a whole output of a command that was ended in its last moment."""
    partial = out.with_suffix(".partial.extxyz")
    with one_at_a_time(out):
        if not partial.exists() or len(read_seals(partial)) == len(read_structures(out)):
            remove_frames(partial)
            settings_of(partial).unlink(missing_ok=True)


def relax_all(config: RelaxConfig, frames: Sequence[Atoms]) -> None:
    """Relax what is not finished, and write all results in the order of the input."""
    partial = config.out.with_suffix(".partial.extxyz")
    finished = by_input_number(whole_frames(partial, needs_seals=check_same_work(partial, config)))
    if max(finished, default=0) >= len(frames):
        raise ConfigError(f"{shown(partial)} has more structures than the input. Delete it.")
    if finished:
        messages.info(
            f"{shown(partial)}: going on after {len(finished)} of {len(frames)} structures."
        )
    if len(finished) < len(frames):
        finished |= relax_unfinished(config, frames, finished, partial)
    in_order = [finished[number] for number in range(len(frames))]
    with held_back():
        write_frames(config.out, in_order)
        remove_frames(partial)
        settings_of(partial).unlink(missing_ok=True)
    messages.info(relaxation_summary(config.out, in_order))


def by_input_number(finished: Iterable[Atoms]) -> dict[int, Atoms]:
    """Return finished structures by their number in the input, by default their place."""
    return {int(atoms.info.pop(NUMBER, place)): atoms for place, atoms in enumerate(finished)}


def check_some_usable(path: Path, frames: Sequence[Atoms]) -> None:
    """Raise `ConfigError` if no structure can be worked on for what it is: look before working."""
    wrong = [implausible(atoms) for atoms in frames]
    names = [name for name in dict.fromkeys(wrong) if name not in ("", "no_structure")]
    if not names or "" in wrong:
        return
    number = wrong.index(names[0])
    atoms = frames[number]
    formula = f"it is {atoms.get_chemical_formula()}. Expected a metal and an anion."
    why = sentence_against(("odd_spacing", "absurd_size", "partial_occupancies"), atoms)
    raise ConfigError(
        f"{path}: none of {len(frames)} structures can be relaxed ({', '.join(names)}). Structure "
        f"{number} ({name_of(atoms, number)}): {why or formula}"
    )


def relax_unfinished(
    config: RelaxConfig, frames: Sequence[Atoms], finished: Mapping[int, Atoms], partial: Path
) -> dict[int, Atoms]:
    """Relax the frames that are not finished, each kept in `partial` as soon as it is done.

    Args:
        config: `RelaxConfig`.
        frames: All structures.
        finished: Dict of numbers to those that are done.
        partial: Their file.

    Returns:
        Dict of numbers to relaxed structures.
    """
    if config.trajectories:
        check_writable(config.trajectories)
    limits = Limits(**{name: getattr(config, name) for name in LIMITS})
    settings = {
        "optimiser": config.optimiser,
        "frozen_layers": config.frozen_layers,
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python -m keras_ruo2", *sys.argv[1:]]).replace("'", ""),
    }
    progress = Progress(len(frames), len(finished))
    relaxed: dict[int, Atoms] = {}
    with open_pool(config.scheduler, config.workers) as pool, closing():
        for number, atoms in enumerate(frames):
            if number not in finished:
                trajectory = config.trajectories and config.trajectories / f"{number:05d}.traj"
                work = (atoms, config.calculator, limits, trajectory and str(trajectory))
                pool.submit(number, number, relax_one, *work)
        for number, result in pool.results():
            result.info["name"] = name_of(frames[number], number)
            result.info |= settings
            append_result(partial, result, number, len(finished) + len(relaxed))
            relaxed[number] = result
            progress.step(result_line(result))
    return relaxed


def append_result(partial: Path, result: Atoms, number: int, place: int) -> None:
    """Append a finished structure, with its number where that is not its place in the file."""
    kept = result.copy()
    kept.calc = result.calc
    if number != place:
        kept.info[NUMBER] = number
    append_frame(partial, kept)


def settings_of(partial: Path) -> Path:
    """Return the file that says what a partial result was made with."""
    return partial.with_suffix(".json")


def check_same_work(partial: Path, config: RelaxConfig) -> bool:
    """Note what the work is made with, or raise `ConfigError` if it was begun with other settings.

    `partial` is the file of finished structures. Return whether each of them must have a seal.
    """
    wanted = {name: getattr(config, name) for name in ("calculator", "count", *LIMITS)}
    content = checksum(*structure_files("structures", config.structures))
    wanted["structures"] = f"{config.structures} ({content[:8]})"
    path, begun = settings_of(partial), {}
    if partial.exists() and path.exists():
        begun = read_state(path, ADVICE, lambda values: values.keys() == wanted.keys())
        check_same(shown(partial), begun, wanted, REPEAT)
    elif partial.exists():
        raise ConfigError(
            f"{shown(partial)} is there, but not {path.name}, which says how it was made. Choose "
            "another --out or delete the file."
        )
    write_state(path, wanted | {SEALS: begun.get(SEALS, not begun)})
    return begun.get(SEALS, not begun)


def result_line(atoms: Atoms) -> str:
    """Return a line about a finished structure."""
    energy = potential_energy(atoms)
    text = f"{atoms.info['name'][:32]:32s} {atoms.get_chemical_formula():10s}"
    if energy is None:
        return f"{text} {atoms.info['relax_failures']}"
    outcome = "relaxed" if atoms.info["relax_failures"] == "no" else atoms.info["relax_failures"]
    return (
        f"{text}{energy / len(atoms):9.4f} eV/atom{atoms.info['relaxation_steps']:5d} steps"
        f"{atoms.info['rmsd']:7.3f} Å  {outcome}"
    )


def relaxation_summary(out: Path, frames: Sequence[Atoms]) -> str:
    """Return the closing line: how many are relaxed, how far they moved, failures by name."""
    names = Counter(name for atoms in frames for name in atoms.info["relax_failures"].split())
    whole = names.pop("no", 0)
    flaws = ", ".join(f"{name} {count}" for name, count in names.most_common()) or "none"
    moved = [atoms.info["rmsd"] for atoms in frames if atoms.info["relax_failures"] == "no"]
    far = f", {np.median(moved):.3f} Å from their start (median RMSD)" if moved else ""
    mended = sum(map(was_mended, frames))
    pushed = f" {mended} had atoms too close, which were pushed apart first." if mended else ""
    return (
        f"{shown(out)}: {len(frames)} structures, {whole} relaxed without failures{far}. "
        f"Failures: {flaws}.{pushed}"
    )
