"""The order in which `discover` relaxes: by the energies of drawn structures, one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from keras_ruo2.discovery.estimates import estimates_of, worth_a_look
from keras_ruo2.discovery.funnel import mark_first_of_kind
from keras_ruo2.discovery.ranking import references_of
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_or_empty
from keras_ruo2.io.structures import read_structures
from keras_ruo2.io.workfolder import frames, stage
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.thermodynamics.references import method_of
from keras_ruo2.thermodynamics.surface import oxygen_range

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import DiscoverConfig


def estimate(
    config: DiscoverConfig,
    atoms: Path,
    screened: Path,
    relaxations: int,
    one_look: Callable[[Path, Path], None],
) -> dict[int, float]:
    """Return how promising drawn structures are, by their number; the lowest are the most.

    Args:
        config: `DiscoverConfig`.
        atoms: File of the drawn structures.
        screened: The same after screening.
        relaxations: How many will be relaxed; energies are wanted only where there are more.
        one_look: Function of a file of structures and of one for the same with energies.
    """

    def choose(path: Path) -> None:
        promising = worth_a_look(frames(atoms), mark_first_of_kind(frames(screened)), relaxations)
        if promising:
            messages.info(
                f"One look at {len(promising)}: the lowest surface energies are relaxed first."
            )
        write_or_empty(path, promising)

    looked = stage(atoms.with_name("looked_at.extxyz"), choose)
    energies = stage(atoms.with_name("energies.extxyz"), lambda path: one_look(looked, path))
    computed = [slab for slab in frames(energies) if potential_energy(slab) is not None]
    if not computed:
        return {}
    method = method_of(computed[0])
    references = references_of(config, method)
    known = [slab for slab in read_structures(config.known) if method_of(slab) == method]
    return estimates_of(computed, known, references, oxygen_range(references))
