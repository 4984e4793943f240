"""Draw samples from a trained generator."""

import numpy as np
from scipy.stats import norm

from keras_ruo2 import runs
from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description, verify_shards
from keras_ruo2.data.labels import draw_classes
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.density.backmap import lift_vacuum
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.paths import shown, whole
from keras_ruo2.models.latent import spherical_path
from keras_ruo2.models.networks import build_generator
from keras_ruo2.models.slabs import ALWAYS_EQUAL, CELL, FACES, NEVER_EQUAL
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.plotting import style
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.cells import unscale_lengths
from keras_ruo2.structure.facets import miller_name
from keras_ruo2.structure.placed import placed_slabs
from keras_ruo2.training.assembly import load_weights
from keras_ruo2.training.evaluator import predict, sigmoid
from keras_ruo2.training.slabs import load_anchors


def generate(config, saved):
    """Write samples of the averaged generator and draw some beside held-out real ones.

    Args:
        config: `GenerateConfig`.
        saved: What `runs.load` returned.
    """
    if config.interpolate:
        samples = draw_path(
            config.run, saved, config.interpolate, config.seed, config.label, config.checkpoint
        )
    else:
        made, labels = draw(
            config.run,
            saved,
            config.count,
            config.seed,
            config.label,
            config.checkpoint,
            cells=cells_asked_for(config),
            variety=config.variety,
            faces=config.faces,
        )
        samples = as_samples(made, labels, saved)
        if config.structures is not None:
            write_frames(config.structures, structures_in(made, labels, saved))
            messages.info(f"{shown(config.structures)}: the {config.count} slabs of the samples.")
    with whole(config.out) as partial:
        np.savez_compressed(partial, **samples, **named_species(saved))
    count = len(samples["grid"])
    picture = config.out.with_suffix(".png")
    if config.interpolate:
        panels = style.views("From one latent vector to another", *first(samples, count))
        sheet = style.sample_sheet(panels, columns=min(count, 12))
        told = f"the path is in {shown(picture)}."
    else:
        ndim = samples["grid"].ndim - 2
        count = min(config.shown or style.MOST_SHOWN[ndim], count)
        panels = style.views("Generated", *first(samples, count))
        panels |= real_panels(saved, count, config.seed, config.label)
        large = {"columns": style.VIEW_COLUMNS, "size": style.VIEW} if ndim == 3 else {}
        sheet = style.sample_sheet(panels, **large)
        told = f"{shown(picture)} shows {count}."
    style.save(sheet, picture, saved["data"]["species"])
    messages.info(f"{shown(config.out)}: {len(samples['grid'])} samples; {told}")


def named_species(saved):
    """Return what a samples file says of its channels: nothing for Ru and O."""
    species = tuple(saved["data"]["species"])
    return {} if species == SPECIES else {"species": np.array(species)}


def draw_samples(run, saved, count, seed, label=None, checkpoint="last"):
    """Return `count` samples as the samples file holds them.

    Args:
        run: Folder of a run.
        saved: What `runs.load` returned.
        count: Number of samples.
        seed: Seed of the noise.
        label: Class of all samples; `None` for classes in the training data's proportions.
        checkpoint: `last` or `best`.

    Returns:
        Dict: `grid` float32 `(n, *grid, 2)` and, where the variant has them, `lattice` float32 in
        Å and `label` int32 `(n,)`.
    """
    return as_samples(*draw(run, saved, count, seed, label, checkpoint), saved)


def draw(
    run, saved, count, seed, label=None, checkpoint="last", cells=None, variety=1.0, faces="any"
):
    """Return what the generator makes, a dict of arrays, and the classes `(n,)` or `None`.

    Arguments are those of `draw_samples`, and where the generator places atoms: `cells`, the
    numbers of the cells that samples may have, `None` for all; how many times as evenly as in
    training contested sites are occupied; and one of `FACES_ASKED`.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, saved["resolved"]["latent_size"])).astype("float32")
    labels = None
    if VARIANTS[saved["resolved"]["variant"]].label:
        if label is None:
            labels = draw_classes(saved["data"]["class_counts"], count, rng)
        else:
            labels = np.full(count, label, "int32")
    if cells is not None:
        noise[:, CELL] = noise_of_cells(load_anchors(run), cells, labels, count, rng)
    if faces != "any":
        noise[:, FACES] = ALWAYS_EQUAL if faces == "equal" else NEVER_EQUAL
    generator = load_generator(run, saved, checkpoint)
    if variety != 1.0:
        generator.get_layer("occupy").variety *= variety
    return predict(generator, noise, labels), labels


def cells_asked_for(config):
    """Return the numbers of the cells that --facet and --cell allow, `None` for all."""
    anchors = load_anchors(config.run)
    if config.cell is not None:
        return [config.cell]
    cells = list(range(len(anchors.cells)))
    if config.facet is not None:
        cells = anchors.cells_of(miller_name(config.facet))
    if config.faces == "equal":
        cells = anchors.with_equal_faces(cells)
    return None if len(cells) == len(anchors.cells) else cells


def noise_of_cells(anchors, cells, labels, count, rng):
    """Return noise numbers `(count, 1)` that make `ChooseCell` choose some cells only.

    Args:
        anchors: `Anchors`.
        cells: Numbers of the cells.
        labels: Classes `(count,)`, or `None`.
        count: Samples.
        rng: NumPy random generator.
    """
    numbers = np.empty((count, 1), "float32")
    for row in range(count):
        chances = anchors.overall if labels is None else anchors.chances[:, labels[row]]
        cell = rng.choice(cells, p=chances[cells] / chances[cells].sum())
        below = chances[:cell].sum()
        numbers[row] = norm.ppf(below + rng.uniform(0.01, 0.99) * chances[cell])
    return numbers


def structures_in(made, labels, saved, repeated=True):
    """Return the slabs that a generator of atoms has placed.

    Args:
        made: What `draw` returned.
        labels: Classes `(n,)`, or `None`.
        saved: What `runs.load` returned.
        repeated: Whether they are repeated as in the grids; one cell of each otherwise.

    Returns:
        List of `ase.Atoms` in the samples' order, with the vacuum on top as `backmap` gives them;
        `info` holds `sample`, `alpha`, `lateral_repeats`, the `shift` along z from the grid, Å,
        and, where it was told, `label`.
    """
    found = []
    for row, atoms in enumerate(placed_slabs(made, saved["data"]["species"])):
        repeats = made["repeats"][row].round().astype(int).tolist() if repeated else [1, 1]
        atoms = atoms.repeat((*repeats, 1))
        atoms.wrap()
        atoms, shift = lift_vacuum(atoms)
        atoms.info = {"sample": row, "alpha": saved["data"]["alpha"], "shift": shift}
        atoms.info["lateral_repeats"] = repeats
        if labels is not None:
            atoms.info["label"] = int(labels[row])
        found.append(atoms)
    return found


def draw_path(run, saved, count, seed, label=None, checkpoint="last"):
    """Return samples on a spherical path between two latent vectors, of one class.

    Without `label` that is the class of most training records; for the rest see `draw_samples`.
    """
    rng = np.random.default_rng(seed)
    ends = rng.normal(size=(2, saved["resolved"]["latent_size"]))
    noise = spherical_path(*ends, count).astype("float32")
    labels = None
    if VARIANTS[saved["resolved"]["variant"]].label:
        counts = saved["data"]["class_counts"]
        label = int(np.argmax(counts)) if label is None else label
        labels = np.full(len(noise), label, "int32")
    made = predict(load_generator(run, saved, checkpoint), noise, labels)
    return as_samples(made, labels, saved)


def as_samples(made, labels, saved):
    """Return what `draw` returned as `draw_samples` does."""
    samples = {"grid": made["grid"].astype("float32")}
    if "lattice" in made:
        bounds = [np.array(saved["data"][f"lattice_{name}"]) for name in ("minimum", "maximum")]
        samples["lattice"] = unscale_lengths(sigmoid(made["lattice"]), *bounds).astype("float32")
    if labels is not None:
        samples["label"] = labels
    return samples


def load_generator(run, saved, checkpoint="last"):
    """Return the averaged generator of a run's last or best checkpoint."""
    resolved, data = saved["resolved"], saved["data"]
    generator = build_generator(
        resolved["variant"],
        arch=resolved["arch"],
        latent_size=resolved["latent_size"],
        width=resolved["width"],
        num_voxels=data["grid_shape"][0],
        repeats=runs.repeats_of(data["source"]),
        translated=runs.translated(data["source"]),
        anchors=load_anchors(run),
        bounds=(data["lattice_minimum"], data["lattice_maximum"]),
        label_size=resolved["label_size"],
        num_classes=len(data["class_counts"]),
    )
    folder = runs.sound_checkpoint(run, best=checkpoint == "best")
    load_weights(generator, folder / runs.GENERATOR_WEIGHTS)
    return generator


def first(samples, count):
    """Return the first grids and their lengths, or `None` without lengths."""
    return samples["grid"][:count], samples["lattice"][:count] if "lattice" in samples else None


def real_panels(saved, count, seed, label):
    """Return held-out real samples for the picture; nothing if the records are gone."""
    records = saved["data"]["records"]
    try:
        description = load_description(records)
        verify_shards(records, description)
    except ConfigError as error:
        messages.info(f"The picture shows no real samples: {error}")
        return {}
    split = HELD_OUT if description.counts[HELD_OUT] else TRAINING
    many = 100 if len(description.grid_shape) == 3 else 2
    real = read_sample(records, description, split, many * count, seed=seed)
    chosen = np.random.default_rng(seed).permutation(len(real["grid"]))
    if label is not None and saved["resolved"]["label_by"] == "energy":
        chosen = chosen[real["label"][chosen] == label]
        if not len(chosen):
            return {}
    chosen = chosen[:count]
    with_lengths = VARIANTS[saved["resolved"]["variant"]].lattice
    lengths = real["lattice"][chosen] if with_lengths else None
    return style.views(f"Real ({split})", real["grid"][chosen], lengths)
