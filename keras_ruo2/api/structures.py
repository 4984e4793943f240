"""Functions on structures: grids, screening, relaxation, phase diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from keras_ruo2.api.files import Structure, all_atoms, read
from keras_ruo2.errors import check_choice, check_range
from keras_ruo2.species import SPECIES

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from keras_ruo2.screening.screening import Verdict
    from keras_ruo2.thermodynamics.diagram import PhaseDiagram
    from keras_ruo2.thermodynamics.surface import References

ALPHA = 5.0  # Å^-2, that of the bundled records


def voxelise(
    atoms: Structure,
    shape: tuple[int, int, int] = (32, 32, 32),
    *,
    alpha: float = ALPHA,
    species: tuple[str, str] = SPECIES,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the density grid of a structure and the lengths of its cell.

    A cell that is not orthogonal is replaced by the smallest orthogonal supercell first.

    Args:
        atoms: `ase.Atoms` with a cell, or a pymatgen structure; periodic in all three directions.
        shape: Voxels along each cell vector.
        alpha: Inverse square width of the Gaussians, Å^-2.
        species: Metal and anion, in channel order.

    Returns:
        `(grid, lengths)`: densities in [0, 1] of shape `(*shape, 2)`, and three lengths in Å.

    Raises:
        ConfigError: If `atoms` has other elements, no cell or no orthogonal supercell, or holds
            what no structure can: positions that are not finite, atoms on top of each other.

    Examples:
        >>> import keras_ruo2 as kr
        >>> from ase.build import bulk
        >>> grid, lengths = kr.voxelise(bulk("Ru", "fcc", a=4.0, cubic=True), (8, 8, 8))
        >>> grid.shape, lengths.tolist()
        ((8, 8, 8, 2), [4.0, 4.0, 4.0])
    """
    from keras_ruo2.density.voxelise import voxelise as smear
    from keras_ruo2.interop import as_atoms
    from keras_ruo2.structure.cells import orthogonalise
    from keras_ruo2.structure.door import check_structure

    given = as_atoms(atoms)
    check_structure(given)
    box = orthogonalise(given)
    return smear(box, shape, alpha=alpha, species=species), box.cell.lengths()


def backmap(
    grid: ArrayLike,
    lengths: ArrayLike,
    *,
    alpha: float = ALPHA,
    species: tuple[str, str] = SPECIES,
) -> Atoms:
    """Find the atoms of a density grid: the inverse of `voxelise`.

    Args:
        grid: Densities in [0, 1] of shape `(nx, ny, nz, 2)`.
        lengths: The three lengths of the orthogonal cell, Å.
        alpha: Inverse square width of the Gaussians, Å^-2.
        species: Metal and anion, in channel order.

    Returns:
        `ase.Atoms` with an array `confidence` in [0, 1]; a slab has its vacuum on top.

    Raises:
        BackmapFailure: If the grid holds no structure.
        ConfigError: If the grid, the lengths or `alpha` cannot be used.

    Examples:
        >>> import keras_ruo2 as kr
        >>> from keras_ruo2.structure.crystals import rutile_ruo2
        >>> grid, lengths = kr.voxelise(rutile_ruo2())
        >>> kr.backmap(grid, lengths).get_chemical_formula()
        'O4Ru2'
    """
    from keras_ruo2.density.backmap import backmap as find

    return find(np.asarray(grid), np.asarray(lengths), alpha=alpha, species=species)


def screen(
    structures: Sequence[Structure],
    known: Sequence[Structure] | None = None,
    *,
    accept: Sequence[str] = (),
    species: tuple[str, str] = SPECIES,
) -> list[Verdict]:
    """Say of each structure whether it is a slab, the first of its kind, and new.

    Args:
        structures: `ase.Atoms` or pymatgen's structures; frames without atoms are allowed.
        known: Slabs that do not count as new; the bundled ones if `None`.
        accept: Reasons that do not make a structure invalid, e.g. `peroxo_groups`; all of them are
            named in `structure.validity.INVALID`.
        species: Metal and anion.

    Returns:
        List of `Verdict` in the order of `structures`: `valid`, `reasons`, `unique`, `novel`,
        `termination` and what it equals.

    Raises:
        ConfigError: If a library of the extra `screen` is missing, or `accept` has another name.
    """
    from keras_ruo2.io.paths import BUNDLED_STRUCTURES
    from keras_ruo2.screening.screening import check_screening_installed, known_slabs
    from keras_ruo2.screening.screening import screen as judge
    from keras_ruo2.structure.validity import INVALID

    check_screening_installed()
    for name in accept:
        check_choice("accept", name, INVALID)
    slabs = read(BUNDLED_STRUCTURES) if known is None else all_atoms(known)
    compared = known_slabs(slabs, species)
    return judge(all_atoms(structures), compared, accept=tuple(accept), species=species)


def relax(
    structures: Sequence[Structure],
    calculator: str | Calculator = "chgnet",
    *,
    optimiser: str = "fire",
    fmax: float = 0.05,
    steps: int = 200,
    seconds: float = 600.0,
    frozen_layers: int = 0,
) -> list[Atoms]:
    """Relax structures in their cells, one after the other, in this process.

    The command `relax` works in a process of its own, which survives a calculator that hangs, and
    goes on where it was stopped; this function does not.

    Args:
        structures: `ase.Atoms` or pymatgen's structures; they are left as they are.
        calculator: A name as `relax --calculator` takes it, or an ASE calculator.
        optimiser: One of ASE's: `fire`, `bfgs`, `lbfgs` or another key of `options.OPTIMISERS`.
        fmax: Largest force at which a structure counts as relaxed, eV/Å.
        steps: Steps for each structure at most.
        seconds: Time for each structure at most, s.
        frozen_layers: Layers of metal, from below, that stay where they are.

    Returns:
        List of `ase.Atoms` with energy and forces, in the order of `structures`. What could not be
        relaxed comes back as it was; `info["relax_failures"]` names what went wrong, or is `no`.

    Raises:
        ConfigError: If the calculator is not known or not installed, or a limit is no such number.
    """
    from keras_ruo2.io.structures import name_of
    from keras_ruo2.options import OPTIMISERS
    from keras_ruo2.relaxation.relax import Limits
    from keras_ruo2.relaxation.relax import relax as relax_one

    check_choice("optimiser", optimiser, OPTIMISERS)
    check_range("fmax", fmax, 1e-6)
    for name, value in (("steps", steps), ("seconds", seconds), ("frozen_layers", frozen_layers)):
        check_range(name, value, 0)
    limits = Limits(optimiser, fmax, steps, seconds, frozen_layers)
    made, provenance = calculator_of(calculator)
    relaxed = []
    for number, atoms in enumerate(all_atoms(structures)):
        result = relax_one(atoms, made, limits)
        result.info |= provenance | {"name": name_of(atoms, number)}
        relaxed.append(result)
    return relaxed


def calculator_of(calculator: str | Calculator) -> tuple[Calculator, dict[str, Any]]:
    """Return an ASE calculator and what its energies are, for `info`."""
    from keras_ruo2.relaxation.calculators import NO_CORRECTION, check_calculator, make_calculator

    if isinstance(calculator, str):
        check_calculator(calculator)
        return make_calculator(calculator)
    return calculator, {"calculator": type(calculator).__name__, "correction": NO_CORRECTION}


def phase_diagram(
    slabs: Sequence[Structure],
    known: Sequence[Structure] = (),
    *,
    references: References | None = None,
    species: tuple[str, str] = SPECIES,
    keep_broken: bool = False,
    skip_damaged: bool = False,
) -> PhaseDiagram:
    """Rank slabs by their surface free energy against the chemical potential of oxygen.

    Args:
        slabs: `ase.Atoms` with energies of one calculator, named in `info["calculator"]`, or
            pymatgen's structures with them in `properties`.
        known: Slabs to show beside them, by the same calculator.
        references: Energies of bulk oxide, half an O2 and the metal by that calculator; those
            that are known (CHGNet, SevenNet) if `None`.
        species: Metal and anion.
        keep_broken: Keep slabs with peroxo groups, floating O or disconnected layers.
        skip_damaged: Leave out what cannot be a structure, and list it on standard error.

    Returns:
        `PhaseDiagram`: `rows`, the `limits` of dmu_O in eV, `stable` (the stable slabs of each
        facet) and `plot()`. dmu_O is the chemical potential of O relative to half an O2.

    Raises:
        ConfigError: If energies are missing or of several calculators, a structure is no slab, or
            no references are known.

    Examples:
        >>> import keras_ruo2 as kr
        >>> from keras_ruo2.io.paths import BUNDLED_STRUCTURES
        >>> slabs = [s for s in kr.read(BUNDLED_STRUCTURES) if s.info["facet"] == "(110)"]
        >>> diagram = kr.phase_diagram(slabs)
        >>> list(diagram.stable)
        ['(110)']
    """
    from keras_ruo2.thermodynamics.diagram import rank_slabs

    return rank_slabs(
        all_atoms(slabs),
        all_atoms(known),
        references=references,
        species=species,
        keep_broken=keep_broken,
        skip_damaged=skip_damaged,
    )
