"""One set of slabs by several calculators or models: how far they agree on what is stable where."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ase import Atoms

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown
from keras_ruo2.io.tables import table_writer
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.validity import broken
from keras_ruo2.thermodynamics.references import (
    common_method,
    find_references,
    method_of,
    method_text,
    read_slabs,
)
from keras_ruo2.thermodynamics.rows import Key, Row, stable_ranges
from keras_ruo2.thermodynamics.surface import (
    Line,
    References,
    crossing,
    lower_envelope,
    surface_line,
    upper_face,
)


class Method(NamedTuple):
    """A calculator or model, and the slabs it gave energies of.

    Args:
        title: Its name, that of its file where it has none.
        references: Its own `References`.
        slabs: Dict of `slab_keys` to slabs, broken ones left out.
    """

    title: str
    references: References
    slabs: dict[Key, Atoms]


class Crossing(NamedTuple):
    """Where one stable row gives way to the next.

    Args:
        first: The row with less O.
        second: The row that follows it in the diagram.
        where: dmu_O in the diagram, eV.
        at: dmu_O by each method that has both rows, eV.
    """

    first: Row
    second: Row
    where: float
    at: dict[str, float]


def slab_keys(slabs: Iterable[Atoms]) -> list[Key]:
    """Return `(name, n)` for the n-th slab of each name, by which slabs of several files match."""
    seen: Counter[str] = Counter()
    keys = []
    for slab in slabs:
        name = slab.info["name"]
        keys.append((name, seen[name]))
        seen[name] += 1
    return keys


def read_methods(
    config: PhaseDiagramConfig, slabs: Sequence[Atoms]
) -> tuple[References, list[Method]]:
    """Return the `References` of `slabs`, and a `Method` for each file of --compare.

    Raises:
        ConfigError: If two files are by one calculator, references of a calculator are missing, or
            slabs of one name differ.
    """
    own = common_method(slabs)
    files = [(path, read_slabs(path, config.skip_damaged)) for path in config.compared]
    found = [common_method(others) for _, others in files]
    for number, (path, _) in enumerate(files):
        if found[number] in (own, *found[:number]):
            raise ConfigError(
                f"--compare: {path} is by {method_text(found[number])}, like slabs of another "
                'file. Expected another calculator or model; name it in info["calculator"].'
            )
    references = find_references(config, own, found)
    methods = []
    for method, (path, others) in zip(found, files, strict=True):
        beside = [own, *(other for other in found if other != method)]
        theirs = find_references(config, method, beside)
        kept = {key: slab for key, slab in zip(slab_keys(others), others, strict=True)}
        check_same_slabs(path, kept, dict(zip(slab_keys(slabs), slabs, strict=True)))
        kept = {key: slab for key, slab in kept.items() if not broken(slab)}
        methods.append(Method(method[0] or path.stem, theirs, kept))
    return references, methods


def check_same_slabs(path: Path, others: Mapping[Key, Atoms], slabs: Mapping[Key, Atoms]) -> None:
    """Raise `ConfigError` unless names stand for the same slabs in both, and some are in both."""
    common = [key for key in slabs if key in others]
    for key in common:
        one, other = (found[key].get_chemical_formula() for found in (slabs, others))
        if one != other:
            raise ConfigError(
                f"--compare: {key[0]} is {other} in {path}, but {one} in --structures. Slabs of "
                "several files are matched by their names; give the same slabs the same ones."
            )
    if not common:
        raise ConfigError(
            f"--compare: no slab of {path} has the name of one of --structures, e.g. "
            f"{next(iter(others))[0]!r} and {next(iter(slabs))[0]!r}. Give the same slabs."
        )


def add_lines(rows: Iterable[Row], own: str, methods: Iterable[Method]) -> list[Row]:
    """Return rows with `lines`: their surface free energy by every method that has it.

    A row that is given by its upper face is so by all methods, each with its own lower face.

    Args:
        rows: List of `Row`, faces separated already.
        own: Title of the calculator of the rows themselves.
        methods: List of `Method`.
    """
    means = {
        method.title: {
            key: surface_line(slab, potential_energy(slab), method.references)
            for key, slab in method.slabs.items()
        }
        for method in methods
    }
    return [replace(row, lines={own: row.line} | lines_by(row, means)) for row in rows]


def lines_by(row: Row, means: Mapping[str, Mapping[Key, Line]]) -> dict[str, Line]:
    """Return titles of methods and the line of a row by each, from the means of both faces."""
    lines = {}
    for title, each in means.items():
        line = each.get(row.key)
        if row.lower is not None and line is not None:
            line = upper_face(line, each[row.lower]) if row.lower in each else None
        if line is not None:
            lines[title] = line
    return lines


def ranges_by_method(
    group: Iterable[Row], limits: tuple[float, float], own: str, methods: Iterable[Method]
) -> dict[Key, dict[str, tuple[float, float]]]:
    """Return keys of the rows of a facet and who calls them stable: titles, `(start, end)` in eV.

    Each method has its own lower envelope, of the rows that every method has, so that all choose
    among the same slabs.

    Args:
        group: List of `Row` with `lines`, without those that repeat another.
        limits: Ends of dmu_O, eV.
        own: Title of the calculator of the rows themselves.
        methods: List of `Method`.
    """
    titles = [own, *(method.title for method in methods)]
    common = [row for row in group if len(row.lines) == len(titles)]
    ranges: dict[Key, dict[str, tuple[float, float]]] = {row.key: {} for row in group}
    for title in titles if common else ():
        for part in lower_envelope([row.lines[title] for row in common], *limits):
            ranges[common[part.number].key][title] = (part.start, part.end)
    return ranges


def method_agreement(group: Iterable[Row], own: str, methods: Iterable[Method]) -> list[Crossing]:
    """Return where stable rows of a facet that follow each other cross, by each method.

    Args:
        group: List of `Row`, the stable ones known.
        own: Title of the calculator of the rows themselves.
        methods: List of `Method`.

    Returns:
        List of `Crossing`.
    """
    titles = [own, *(method.title for method in methods)]
    stable, crossings = stable_ranges(group), []
    for (first, (_, where)), (second, _) in itertools.pairwise(stable):
        both = [title for title in titles if title in first.lines and title in second.lines]
        at = {title: crossing(first.lines[title], second.lines[title]) for title in both}
        crossings.append(Crossing(first, second, where, at))
    return crossings


def energy_spread(row: Row, delta_mu_o: float) -> tuple[float, float]:
    """Return the lowest and the highest surface free energy by all methods, eV/Å^2."""
    values = [line(delta_mu_o) for line in row.lines.values()]
    return min(values), max(values)


SPREAD_COLUMNS = (
    "gamma_O_poor_low_meV_A2 gamma_O_poor_high_meV_A2 gamma_O_rich_low_meV_A2 "
    "gamma_O_rich_high_meV_A2 methods stable_by"
).split()


def spread_cells(row: Row, limits: tuple[float, float]) -> list[object]:
    """Return what the table says of a row's methods, in the order of `SPREAD_COLUMNS`."""
    ends = [round(1000 * value, 2) for limit in limits for value in energy_spread(row, limit)]
    return [*(ends if len(row.lines) > 1 else [""] * 4), len(row.lines), "; ".join(row.stable_by)]


def write_methods(out: Path, rows: Iterable[Row], limits: tuple[float, float]) -> None:
    """Write methods.csv, a row for each slab and method."""
    with table_writer(out / "methods.csv") as writer:
        writer.writerow(
            "name facet method gamma_O_poor_meV_A2 gamma_O_rich_meV_A2 slope_per_A2 faces "
            "stable_from_eV stable_to_eV".split()
        )
        for row in rows:
            for title, line in row.lines.items():
                ends = row.stable_by.get(title)
                values = [round(1000 * line(limit), 2) for limit in limits]
                stable = np.round(ends, 4) if ends else ("", "")
                told = (row.name, row.facet, title, *values, round(line.slope, 6))
                writer.writerow([*told, row.faces, *stable])


def write_crossings(out: Path, crossings: Iterable[Crossing], titles: Iterable[str]) -> None:
    """Write crossings.csv: where one stable structure gives way to the next, by each method."""
    with table_writer(out / "crossings.csv") as writer:
        head = "facet first second dmu_O_low_eV dmu_O_high_eV".split()
        writer.writerow([*head, *(f"dmu_O_eV by {title}" for title in titles)])
        for entry in crossings:
            first, at = entry.first, entry.at
            ends = [round(end(at.values()), 4) for end in (min, max)] if at else ("", "")
            each = [round(at[title], 4) if title in at else "" for title in titles]
            told = (first.facet, first.name, entry.second.name)
            writer.writerow([*told, *ends, *each])


def report_methods(
    rows: Sequence[Row], crossings: Iterable[Crossing], titles: Sequence[str]
) -> None:
    """Print how far methods are apart: of all slabs, of pairs that follow each other."""
    common = [row for row in rows if len(row.lines) == len(titles)]
    messages.info(
        f"Methods: {', '.join(titles)}; {len(common)} of {len(rows)} slabs have all of them."
    )
    if common:
        for title in titles[1:]:
            apart = [
                1000 * (row.lines[title].intercept - row.lines[titles[0]].intercept)
                for row in common
            ]
            messages.info(
                f"{title} against {titles[0]}, at dmu_O = 0: {np.mean(apart):+.1f} meV/Å^2 on "
                f"average, {min(apart):+.1f} to {max(apart):+.1f}."
            )
    for entry in (entry for entry in crossings if len(entry.at) > 1):
        at, first = entry.at.values(), entry.first
        messages.info(
            f"{first.facet}: {first.name} gives way to {entry.second.name} between "
            f"{min(at):.2f} and {max(at):.2f} eV."
        )


def title_of(slabs: Sequence[Atoms], path: Path) -> str:
    """Return the name of the slabs' calculator, that of their file where they name none."""
    return method_of(slabs[0])[0] or shown(path).stem
