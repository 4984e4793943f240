"""The pictures of a report on a search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_ruo2.basin_hopping.statistics import (
    SQUARE_NM,
    ChainRecord,
    Search,
    by_start,
    formula_excess,
    outcomes_by,
)
from keras_ruo2.plotting import search as plotting_search
from keras_ruo2.plotting.style import Figure

if TYPE_CHECKING:
    from ase import Atoms

Groups = dict[str, list[ChainRecord]]  # chains by their start
MOST_DRAWN = 6  # starts of which structures are drawn, of different facets first


def figures(search: Search, edges: np.ndarray) -> Iterator[tuple[str, Figure]]:
    """Yield the names and figures of the pictures that the search is long enough for."""
    groups = by_start(search.chains)
    above = search.above
    yield "energies.png", plotting_search.draw_energy_histogram(search.energies, edges, above)
    yield "composition.png", composition_figure(groups)
    if any(len(chain.moves) for chain in search.chains):
        yield "acceptance.png", acceptance_figure(search.chains)
        yield "grand_potential.png", grand_potential_figure(groups)
    yield "structures.png", plotting_search.draw_structures(chosen_structures(groups))


def composition_figure(groups: Groups) -> Figure:
    """Return the picture of O gained and lost."""
    potentials = sorted({chain.dmu_o for chains in groups.values() for chain in chains})
    compositions = {name: [composition_of(chain) for chain in groups[name]] for name in groups}
    return plotting_search.draw_composition(compositions, potentials)


def composition_of(chain: ChainRecord) -> dict[str, Any]:
    """Return what the picture of compositions needs of a chain."""
    counts = [chain.first.num_o, *chain.current("num_o")]
    lowest = chain.lowest.num_o if chain.lowest else np.nan
    return {
        "dmu_o": chain.dmu_o,
        "excess": chain.excess(counts),
        "lowest": chain.excess(lowest),
        "one": SQUARE_NM / chain.area,
    }


def acceptance_figure(chains: Sequence[ChainRecord]) -> Figure:
    """Return the picture of acceptance rates and outcomes."""
    tried = [chain for chain in chains if len(chain.moves)]
    potentials = sorted({chain.dmu_o for chain in tried})
    rates = {
        f"{value:g}": [chain.accepted for chain in tried if chain.dmu_o == value]
        for value in potentials
    }
    moves = outcomes_by(tried, lambda chain, row: row.move)
    values = {
        f"at {value:g} eV": outcomes_by(tried, lambda chain, row: chain.dmu_o)[value]
        for value in potentials
    }
    return plotting_search.draw_acceptance(rates, moves | values)


def grand_potential_figure(groups: Groups) -> Figure:
    """Return the picture of grand potentials along the chains."""
    curves = {
        name: [
            {
                "dmu_o": chain.dmu_o,
                "current": chain.relative(chain.current("grand_potential")),
                "refused": chain.relative(chain.refused),
            }
            for chain in chains
        ]
        for name, chains in groups.items()
    }
    return plotting_search.draw_grand_potentials(curves)


def chosen_structures(groups: Groups) -> dict[str, list[tuple[str, Atoms]]]:
    """Choose structures to draw: starts of different facets, and the lowest of their chains.

    Returns:
        Dict for `plotting_search.draw_structures`.
    """
    facets = {chains[0].facet: name for name, chains in reversed(groups.items())}
    first = [name for name in groups if name in facets.values()]
    names = (first + [name for name in groups if name not in first])[:MOST_DRAWN]
    chosen = {}
    for name in [name for name in groups if name in names]:
        chains = sorted(groups[name], key=lambda chain: chain.dmu_o)
        column = [(f"start {formula_excess(chains[0].first)}", chains[0].first.atoms)]
        for chain in {chains[0].number: chains[0], chains[-1].number: chains[-1]}.values():
            if chain.lowest is None:
                continue
            gain = float(chain.relative(chain.lowest.grand_potential))
            title = (
                f"{formula_excess(chain.lowest)}\n{signless(gain):.1f} meV/Å² at {chain.dmu_o:g} eV"
            )
            column.append((title, chain.lowest.atoms))
        chosen[name] = column
    return chosen


def signless(value: float) -> float:
    """Return a value that would be printed as -0.0 as 0.0."""
    return value if abs(value) >= 0.05 else 0.0
