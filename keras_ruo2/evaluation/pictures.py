"""The pictures of an evaluation, each with a caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.metrics.marginals import AXES
from keras_ruo2.plotting import attribution, evaluation, physics, style, volumes
from keras_ruo2.plotting.style import Figure
from keras_ruo2.species import renamed

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.data.description import Description
    from keras_ruo2.evaluation.critic import Inside
    from keras_ruo2.metrics.measure import Measured


NUM_PAIRS, NUM_SHOWN, NUM_NEAREST, NUM_EXTREMES = 6, 36, 6, 8
MARGINALS = "Physical quantities; the outermost bins hold what lies beyond them."
CLASSES = "Class asked for and class read by a classifier; white rows: no record of the class."
LEAST_PEAK = 0.2  # density below which a sample shows no atom
NUM_VOLUMES, NUM_VIEWS = 3, 6  # whole grids in a row
Keep = Callable[[str, str, Figure], None]  # of a file's name, its caption and the figure


def draw_evaluation_pictures(
    folder: Path,
    measured: Measured,
    inside: Inside,
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    description: Description,
    *,
    run: Path,
) -> dict[str, str]:
    """Draw every picture that there is something to show of, and return their captions.

    Args:
        folder: Folder for the pictures.
        measured: `Measured`.
        inside: `Inside`.
        samples: Dict of arrays, of the samples.
        training: The same of training records.
        held_out: The same of held-out records.
        description: `Description` of the records.
        run: Folder of the run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    captions = {}

    def keep(name: str, caption: str, figure: Figure) -> None:
        style.save_figure(figure, folder / name, description.species)
        captions[name] = renamed(caption, description.species)

    real = held_out if len(held_out["grid"]) else training
    draw_sample_pictures(keep, samples, real)
    draw_overfitting(keep, measured, samples, training)
    scores = measured.metrics.get("marginals", {})
    histograms = evaluation.marginal_histograms(measured.generated, measured.real, scores)
    keep("marginals.png", MARGINALS, histograms)
    draw_physics(keep, measured, inside, samples, training, held_out, description.class_edges)
    bars = evaluation.collapse_bars(measured.metrics["collapse"])
    keep("collapse.png", "Diversity, contrast, stripes and noise against real data.", bars)
    spectra = evaluation.mean_spectra(samples["grid"], training["grid"])
    keep("spectrum.png", "Mean Fourier power of generated and real samples.", spectra)
    draw_inside(keep, inside, samples, training)
    if rows := runs.proven_rows(run, runs.sound_checkpoint(run)):
        curves = style.metric_curves(runs.metrics_table(rows))
        keep("training.png", "Losses (smoothed over faint) and scores while it trained.", curves)
    return captions


def draw_sample_pictures(
    keep: Keep, samples: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray]
) -> None:
    """Draw samples beside real records: slices, or views, surfaces and cuts of whole grids."""
    known = "lattice" in samples
    if samples["grid"].ndim == 4:
        panels = style.views("Generated", *part(samples, NUM_SHOWN, known))
        panels |= style.views("Real", *part(real, NUM_SHOWN, known))
        keep("samples.png", "Samples beside real ones.", style.sample_sheet(panels))
        return
    rows = {"Generated": part(samples, NUM_VOLUMES, known)}
    rows |= {"Real": part(real, NUM_VOLUMES, known)}
    caption = f"Surfaces where the density is {volumes.LEVEL}. Ru yellow, O red."
    keep("volumes.png", caption, volumes.isosurfaces(rows))
    panels = style.views("Generated", *part(samples, NUM_VIEWS, known))
    panels |= style.views("Real", *part(real, NUM_VIEWS, known))
    sheet = style.sample_sheet(panels, columns=style.VIEW_COLUMNS, size=style.VIEW)
    keep("samples.png", "Highest densities along y and along z.", sheet)
    keep("slices.png", "Slices through the middle of whole grids.", middle_slices(samples, real))


def middle_slices(samples: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray]) -> Figure:
    """Return the figure of slices through samples and real records, in Å if samples have it."""
    rows, sizes = {}, {}
    for name, sample in (("Generated", samples), ("Real", real)):
        for plane, cut in volumes.cuts(sample["grid"][:NUM_VIEWS]).items():
            rows[f"{name}, {plane}"] = (cut, [""] * len(cut))
            if "lattice" in samples:
                sizes[f"{name}, {plane}"] = sample["lattice"][:, ["xyz".index(a) for a in plane]]
    return attribution.rows_of_grids(rows, sizes or None)


def draw_overfitting(
    keep: Keep,
    measured: Measured,
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
) -> None:
    """Draw how similar the best training records are, and the nearest ones."""
    if measured.null is not None:
        threshold = measured.metrics["overfitting"]["threshold"]
        histogram = evaluation.similarity_histogram(measured.matches, measured.null, threshold)
        keep("similarity.png", "Similarity of the most similar training record.", histogram)
    if samples["grid"].ndim == 4:
        most = most_similar(measured.matches.similarity, samples["grid"])
        caption = "Samples most similar to a training record, but for nearly empty ones; in voxels."
        pairs = evaluation.pairs(
            samples["grid"][most],
            aligned(training["grid"][measured.matches.index[most]], measured.matches.shift[most]),
            measured.matches.ssim[most],
            names_of(training, measured.matches.index[most]),
        )
        keep("pairs.png", caption, pairs)
    draw_nearest(keep, measured, samples, training)


def most_similar(similarity: np.ndarray, grids: np.ndarray) -> np.ndarray:
    """Return which of the compared samples to show: empty ones resemble any nearly empty slice."""
    order = np.argsort(-similarity)
    peaks = grids[order].max(axis=tuple(range(1, grids.ndim)))
    return np.concatenate([order[peaks >= LEAST_PEAK], order[peaks < LEAST_PEAK]])[:NUM_PAIRS]


def draw_nearest(
    keep: Keep,
    measured: Measured,
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
) -> None:
    """Draw the first samples above the training records nearest to them."""
    index, distance = (values[:NUM_NEAREST] for values in measured.nearest)
    rows = {
        "Generated": (samples["grid"][:NUM_NEAREST], [f"sample {k}" for k in range(NUM_NEAREST)]),
        "Nearest record": (
            training["grid"][index],
            [
                f"{evaluation.shortened(name)}\ndistance {apart:.2f}"
                for name, apart in zip(names_of(training, index), distance, strict=True)
            ],
        ),
    }
    caption = "The first samples and the training records nearest to them, whatever their shift."
    sizes = None
    if "lattice" in samples:
        sizes = {
            "Generated": sides(samples["lattice"]),
            "Nearest record": sides(training["lattice"]),
        }
        sizes["Nearest record"] = sizes["Nearest record"][index]
    keep("nearest.png", caption, attribution.rows_of_grids(rows, sizes))


def draw_physics(
    keep: Keep,
    measured: Measured,
    inside: Inside,
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    edges: Sequence[float],
) -> None:
    """Draw neighbours, lengths, energies and classes."""
    if measured.radial:
        radial = physics.radial_figure(*measured.radial)
        keep("radial.png", "Neighbours of an atom by distance, in the grid as it is.", radial)
    if inside.opinions:
        axes = AXES[samples["grid"].ndim - 2]
        lattice = physics.lattice_figure(
            inside.opinions["generated"], inside.opinions["held_out"], axes
        )
        keep("lattice.png", "Lattice lengths, their ratio, and who says what of them.", lattice)
    if "energy" in training and np.isfinite(training["energy"]).any():
        energies = physics.energy_figure(
            training["energy"][measured.nearest[0]],
            training["energy"],
            held_out.get("energy", np.zeros(0)),
            edges,
        )
        keep("energies.png", "Energies of the training records nearest to the samples.", energies)
    if "conditioning" in measured.metrics:
        confusion = physics.confusion_figure(measured.metrics["conditioning"])
        keep("classes.png", CLASSES, confusion)


def draw_inside(
    keep: Keep,
    inside: Inside,
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
) -> None:
    """Draw what the critic sees, likes and dislikes, and latent paths."""
    if inside.maps:
        maps = attribution.attention_maps(**inside.maps)
        keep("maps.png", "What raises and what lowers the critic's score.", maps)
    if inside.scores:
        keep("extremes.png", "Training records by the critic's score.", extremes(inside, training))
    if inside.paths:
        count = len(inside.paths[0]["grid"])
        rows = {
            f"Path {number + 1}": (path["grid"], [f"{k / (count - 1):.2f}" for k in range(count)])
            for number, path in enumerate(inside.paths)
        }
        caption = "Samples along spherical paths between latent vectors."
        sizes = None
        if "lattice" in inside.paths[0]:
            sizes = dict(zip(rows, (sides(path["lattice"]) for path in inside.paths), strict=True))
        keep("paths.png", caption, attribution.rows_of_grids(rows, sizes))


def extremes(inside: Inside, training: Mapping[str, np.ndarray]) -> Figure:
    """Return the figure of the real records that the critic scores lowest and highest."""
    scores = inside.scores["training"]
    order = np.argsort(scores)
    rows, sizes = {}, {}
    for name, chosen in (("Lowest", order[:NUM_EXTREMES]), ("Highest", order[::-1][:NUM_EXTREMES])):
        titles = [
            f"{evaluation.shortened(structure)}\nscore {scores[k]:.2f}"
            for structure, k in zip(names_of(training, chosen), chosen, strict=True)
        ]
        rows[name] = (training["grid"][chosen], titles)
        sizes[name] = sides(training["lattice"][chosen])
    return attribution.rows_of_grids(rows, sizes)


def sides(lattice: np.ndarray) -> np.ndarray:
    """Return the lengths, lateral and along z in Å, of grids seen along y."""
    return lattice[:, [0, -1]]


def names_of(sample: Mapping[str, np.ndarray], rows: np.ndarray) -> list[str]:
    """Return the names of the structures of some records."""
    return [text.decode() for text in sample["structure"][rows]]


def part(
    sample: Mapping[str, np.ndarray], count: int, with_lengths: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the first grids and their lengths, `None` without lengths."""
    return sample["grid"][:count], sample["lattice"][:count] if with_lengths else None


def aligned(grids: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return grids rolled as they were when they were compared."""
    axes = tuple(range(grids.ndim - 2))
    pairs = zip(grids, shifts, strict=True)
    return np.array([np.roll(grid, tuple(shift), axis=axes) for grid, shift in pairs])
