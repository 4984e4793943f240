"""Outputs of DFT codes: the last structure with its energy, and whether the run was finished."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import TYPE_CHECKING

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.structures import iterate_file

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms


# pymatgen's Vasprun fails on a run that was cut off; it does not read the other codes.
OUTPUTS = ("vasprun.xml", "OUTCAR", "*.pwo", "*.out", "*.extxyz", "*.traj")  # in this order
ELECTRONS = "electrons not converged"  # the energy is that of no state
IONS = "ions not converged"
UNFINISHED = "the run was not finished"
# What each code writes: of its own, when it has ended, when electrons failed or succeeded last, and
# when ions moved, and when they arrived or gave up.
TEXTS = (
    {
        "own": "Program PWSCF",
        "end": "JOB DONE",
        "good": "convergence has been achieved",
        "bad": "convergence NOT achieved",
        "moving": "Geometry Optimization",
        "arrived": "End of BFGS Geometry Optimization",
        "gave_up": "The maximum number of steps has been reached",
    },
    {
        "own": "Invoking FHI-aims",
        "end": "Have a nice day",
        "good": "Self-consistency cycle converged",
        "bad": "Self-consistency cycle not yet converged",
        "moving": "Geometry relaxation",
        "arrived": "Present geometry is converged",
        "gave_up": "Aborting optimization",
    },
)


def output_in(folder: Path) -> Path | None:
    """Return the first of `OUTPUTS` in a folder, or `None`."""
    for pattern in OUTPUTS:
        for path in sorted(folder.glob(pattern)):
            return path
    return None


def read_output(path: Path) -> tuple[Atoms | None, tuple[str, ...]]:
    """Return the last structure of an output, its energy in `calc`, and what is wrong with it.

    Returns:
        `(ase.Atoms, flaws)`: a tuple of `ELECTRONS`, `IONS` and `UNFINISHED`. With `ELECTRONS`
        among them there is no structure but `None`.

    Raises:
        ConfigError: If ASE finds no structure or no energy.
    """
    try:
        flaws = flaws_of(path)
        if ELECTRONS in flaws:
            return None, flaws
        *_, atoms = iterate_file(path)
        atoms.get_potential_energy()
    except Exception as error:  # ASE's readers raise whatever their format makes them raise
        raise ConfigError(f"{path} holds no energy that ASE can read ({error!r}).") from None
    return atoms, flaws


def flaws_of(path: Path) -> tuple[str, ...]:
    """Name what an output says against itself; formats that say nothing of a run have no flaws."""
    if path.suffix == ".xml":
        return flaws_of_vasprun(path)
    if path.suffix in (".extxyz", ".traj"):
        return ()
    text = path.read_text(errors="replace")
    if path.name == "OUTCAR":
        return flaws_of_outcar(text)
    return next((flaws_of_text(text, texts) for texts in TEXTS if texts["own"] in text), ())


def flaws_of_vasprun(path: Path) -> tuple[str, ...]:
    """Judge a vasprun.xml by its counts of steps: VASP stops at NELM and NSW, converged or not."""
    limits, steps, finished = {"NELM": 60, "NSW": 0}, [], True
    try:
        for _, element in ElementTree.iterparse(path):
            name = element.get("name", "")
            if element.tag == "i" and name in limits:
                limits[name] = int(element.text or 0)
            elif element.tag == "calculation":
                steps.append(len(element.findall("scstep")))
                element.clear()
    except ElementTree.ParseError:
        finished = False
    return flaw_names(
        electrons=not steps or steps[-1] >= limits["NELM"],
        ions=finished and limits["NSW"] > 1 and len(steps) >= limits["NSW"],
        unfinished=not finished,
    )


def flaws_of_outcar(text: str) -> tuple[str, ...]:
    """Judge an OUTCAR by what follows its last electronic step."""
    steps = re.findall(r"NSW\s*=\s*(\d+)", text)
    return flaw_names(
        electrons="aborting loop because EDIFF is reached" not in text.rpartition("Iteration")[2],
        ions=bool(steps) and int(steps[0]) > 1 and "reached required accuracy" not in text,
        unfinished="General timing and accounting" not in text,
    )


def flaws_of_text(text: str, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Judge an output by the sentences in it, a row of `TEXTS`."""
    moving = texts["moving"] in text
    return flaw_names(
        electrons=text.rfind(texts["bad"]) >= text.rfind(texts["good"]),
        ions=texts["gave_up"] in text or (moving and texts["arrived"] not in text),
        unfinished=texts["end"] not in text,
    )


def flaw_names(*, electrons: bool, ions: bool, unfinished: bool) -> tuple[str, ...]:
    """Return the names of those flaws that are there."""
    flaws = ((ELECTRONS, electrons), (IONS, ions), (UNFINISHED, unfinished))
    return tuple(name for name, there in flaws if there)
