"""Five ways to draw structures from the same slabs."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from ase import Atoms
from keras import ops

from keras_ruo2.discovery.baselines import make_up, templates
from keras_ruo2.discovery.evolution import cross
from keras_ruo2.models.environments import (
    build_environment_critic,
    describe_environments,
    mean_over_atoms,
)
from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.recipes import RECIPES
from keras_ruo2.records.survey import prepare_structure
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.anchors import find_anchors
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.equivalent import SlabKeys
from keras_ruo2.structure.motifs import motif_of
from keras_ruo2.structure.occupied import anchor_frames, at_rest, occupied_sites
from keras_ruo2.training.settings import Settings
from keras_ruo2.training.slabs import slab_arrays
from keras_ruo2.training.steps.tensorflow import WassersteinGAN

WAYS = ("trained", "untrained", "rattled", "random", "genetic")
NUM_CLASSES = 10
LATENT, BATCH, CRITIC_UPDATES = 512, 16, 3
RATE, CRITIC_RATE = 3e-4, 1e-3
WEIGHTS = {"environment_weight": 30.0, "energy_weight": 0.3, "misfit_weight": 10.0}
CHUNK = 100
MOST_TRIES = 30  # draws for each different slab


class Drawn(NamedTuple):
    """Structures, the critic's scores, or `None`, and how many draws the structures are of."""

    structures: list
    scores: np.ndarray | None = None
    tried: int | None = None


def draw_all(slabs, wanted, given):
    """Yield the name and the `Drawn` of each wanted way.

    Args:
        slabs: Structures with energies.
        wanted: Names of ways.
        given: `draws`, `steps` of training and `seed`.
    """
    count, seed = given.draws, given.seed
    if {"trained", "untrained"} & wanted:
        model, data, anchors = prepared(slabs, seed)
        if "untrained" in wanted:
            yield "untrained", generated(model, data, anchors, count, seed)
    if "trained" in wanted:
        train(model, data, given.steps, seed)
        yield "trained", generated(model, data, anchors, count, seed)
    boxes = templates(slabs)
    for way in sorted({"rattled", "random"} & wanted):
        yield way, Drawn(make_up(way, boxes, count, seed))
    if "genetic" in wanted:
        yield "genetic", Drawn(children(boxes, count, seed))


def children(boxes, count, seed):
    """Return children of the slabs by ASE's genetic operators, all parents alike."""
    equal = np.full(len(boxes), 1 / len(boxes))
    return [cross(boxes, equal, np.random.default_rng([seed, 2, k])) for k in range(count)]


def prepared(slabs, seed):
    """Return an untrained model, the arrays that it is trained with and its `Anchors`."""
    recipe = RECIPES["gap3d"].at(32)
    motifs = [motif_of(prepare_structure(slab, recipe), SPECIES) for slab in slabs]
    energies = np.array([potential_energy(slab) / len(slab) for slab in slabs])
    edges = np.quantile(energies, np.linspace(0, 1, NUM_CLASSES + 1)[1:-1])
    labels = np.digitize(energies, edges)
    known = {"alpha": recipe.alpha, "rotated": True, "translated": "xyz"}
    counts = np.ones(len(motifs))
    anchors = find_anchors(
        motifs, labels, counts, num_classes=NUM_CLASSES, species=SPECIES, **known
    )
    found = [occupied_sites(motif, anchors, anchor_frames(anchors)) for motif in motifs]
    rest = [found[k] if k >= 0 else None for k in at_rest(found, energies)]
    usable = [k for k, slab in enumerate(rest) if slab]
    data = slab_arrays([motifs[k] for k in usable], max(map(len, motifs))) | {
        "label": labels[usable].astype("int32"),
        "energy": energies[usable].astype("float32"),
        "resting_cell": np.eye(len(anchors.cells), dtype="float32")[[rest[k].cell for k in usable]],
        "resting_occupancy": np.array([rest[k].occupancy for k in usable], "float32"),
        "resting_offsets": np.array([rest[k].offsets for k in usable], "float32"),
        "grid": np.zeros((len(usable), 1), "float32"),  # no critic of grids looks at it
    }
    keras.utils.set_random_seed(seed)
    lengths = [np.array([*m.lengths[:2] * m.repeats, m.lengths[2]]) for m in motifs]
    bounds = np.min(lengths, axis=0), np.max(lengths, axis=0)
    common = {"arch": "atoms", "num_classes": NUM_CLASSES, "num_voxels": 32}
    generator = build_generator(
        "joint3d", latent_size=LATENT, anchors=anchors, bounds=bounds, **common
    )
    scale = float(edges[0] + edges[-1]) / 2, float(edges[-1] - edges[0]) / 4
    settings = Settings(
        lattice=True,
        labelled=True,
        average=0.995,
        rest_weight=300.0,
        energy_scale=scale,
        **WEIGHTS,
    )
    model = WassersteinGAN(
        generator,
        build_critic("joint3d", **common),
        settings,
        seed=seed,
        environment_critic=build_environment_critic(NUM_CLASSES),
    )
    return model, data, anchors


def train(model, data, steps, seed):
    """Train with the critic of environments alone, which costs a tenth of that of grids."""
    critic, generator = model.environment_critic, model.generator
    optimizers = [keras.optimizers.Adam(rate, 0.0, 0.9) for rate in (CRITIC_RATE, RATE)]
    optimizers[0].build(critic.trainable_variables)
    optimizers[1].build(generator.trainable_variables)

    def update(loss_of, network, optimizer):
        with tf.GradientTape() as tape:
            loss = loss_of()
        weights = network.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)

    @tf.function
    def step(batches):
        for batch in batches:
            update(
                lambda batch=batch: model.environments.objective(batch)[0], critic, optimizers[0]
            )
        batch = batches[-1]

        def objective():
            made = generator([model.draw_noise(BATCH), batch["label"]], training=True)
            return model.environments.generator_terms(made, batch)[0]

        update(objective, generator, optimizers[1])
        model.update_ema()
        model.step.assign_add(1)

    rng = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = rng.integers(len(data["label"]), size=(CRITIC_UPDATES, BATCH))
        step(
            [{name: tf.constant(values[rows]) for name, values in data.items()} for rows in chosen]
        )


def generated(model, data, anchors, count, seed):
    """Return different slabs that the averaged generator draws, in the classes of the data."""
    rng, key_of = np.random.default_rng(seed), SlabKeys(anchors)
    seen, structures, scores, tried = set(), [], [], 0
    while len(structures) < count and tried < MOST_TRIES * count:
        noise = rng.normal(size=(CHUNK, LATENT)).astype("float32")
        labels = rng.choice(data["label"], CHUNK)
        made = model.averaged([noise, labels], training=False)
        judged = score(model, made, labels)
        made = {name: np.array(made[name]) for name in ("places", "weights", "cell", "choice")}
        for row in range(CHUNK):
            tried += 1
            weights = made["weights"][row]
            there = weights.sum(axis=1) > 0.5
            key = key_of(int(made["choice"][row].argmax()), there[: anchors.num_sites])
            if key in seen or len(structures) == count:
                continue
            seen.add(key)
            symbols = np.array(SPECIES)[weights[there].argmax(axis=1)]
            places, cell = made["places"][row][there], made["cell"][row]
            structures.append(Atoms(symbols, places, cell=cell, pbc=True))
            structures[-1].wrap()
            scores.append(judged[row])
    return Drawn(structures, np.array(scores), tried)


def score(model, made, labels):
    """Return the mean score of the critic of environments for each slab."""
    judge, size = model.environments, model.environments.num_sites
    weights = made["weights"][:, :size]
    seen = judge.score(
        describe_environments(*judge.neighbours(made, size)), weights, tf.constant(labels)
    )
    return ops.convert_to_numpy(mean_over_atoms(seen["score"], weights))
