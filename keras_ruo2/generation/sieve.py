"""Slabs are drawn until enough of them are as asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.request import Request, noise_and_labels
from keras_ruo2.models.energies import slab_features
from keras_ruo2.models.placing import PLACED, placing
from keras_ruo2.structure.anchors import Anchors
from keras_ruo2.structure.equivalent import SlabKey, SlabKeys
from keras_ruo2.training.evaluator import predict
from keras_ruo2.training.slabs import (
    anchors_of,
    load_energy_reader,
    load_freed_reader,
    load_known,
    required,
)

MOST_TRIES = 30  # slabs drawn for each one that is wanted, beside its candidates


def sieve(
    request: Request, saved: Mapping[str, Any], generator: Any, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Return noise and classes of slabs that are as asked for, and how many were drawn.

    Args:
        request: `Request`.
        saved: What `runs.load` returned.
        generator: What `load_generator` returned, of a generator that places atoms.
        rng: NumPy random generator.

    Raises:
        ConfigError: If none of those drawn is as asked for.
    """
    anchors = anchors_of(request.run)
    network = placing(generator, ("choice", "cell", *PLACED))
    key_of, tried = SlabKeys(anchors), 0
    rows: list[np.ndarray] = []
    classes: list[int] = []
    known: frozenset[SlabKey] = frozenset()
    if request.novel:
        known = required(load_known(request.run), request.run, runs.KNOWN).keys
    seen = set()
    while len(rows) < request.count and tried < MOST_TRIES * request.count:
        noise, labels, made = propose(request, saved, network, rng, anchors)
        tried += len(noise)
        there = made["weights"][:, : anchors.num_sites] > 0.5
        for row in np.flatnonzero(within_range(there, request.oxygen)):
            if request.distinct or request.novel:
                key = key_of(int(made["choice"][row].argmax()), there[row].any(axis=1))
                if key in known or (request.distinct and key in seen):
                    continue
                seen.add(key)
            if len(rows) < request.count:
                rows.append(noise[row])
                classes += [] if labels is None else [labels[row]]
    if not rows:
        raise ConfigError(none_of(tried, request, saved))
    return np.stack(rows), np.array(classes) if classes else None, tried * request.candidates


def none_of(tried: int, request: Request, saved: Mapping[str, Any]) -> str:
    """Return what is said where no slab is as asked for."""
    if request.oxygen is None:
        return (
            f"Each of {tried} slabs drawn occupies the sites of a training slab, and new ones are "
            "asked for (--novel). Give --variety=4, or ask for less beside."
        )
    low, high = request.oxygen
    metal, anion = saved["data"]["species"]
    new = " and is new" if request.novel else ""
    return (
        f"--oxygen={low:g},{high:g}: none of {tried} slabs drawn has so many {anion} for each "
        f"{metal}{new}. Give a wider range, or leave --label, --energy, --facet and --cell out."
    )


def propose(
    request: Request,
    saved: Mapping[str, Any],
    network: Any,
    rng: np.random.Generator,
    anchors: Anchors,
) -> tuple[np.ndarray, np.ndarray | None, dict[str, np.ndarray]]:
    """Return noise, classes and what is made of them, the best of the candidates of each."""
    noise, labels = noise_and_labels(request, saved, rng, request.candidates)
    made = predict(network, noise, labels)
    if request.candidates == 1:
        return noise, labels, made
    read = required(load_energy_reader(request.run), request.run, runs.ENERGIES)
    features = slab_features(made, anchors.num_sites)
    energies = read(features).reshape(-1, request.candidates)
    freed = load_freed_reader(request.run)
    unrest = None if freed is None else freed(features).reshape(energies.shape)
    classes = np.asarray(labels)
    wanted = classes.reshape(energies.shape)[:, 0]
    chosen = choose_candidates(
        energies, wanted, np.asarray(saved["data"]["class_edges"]), request.energy, unrest
    )
    rows = np.arange(len(chosen)) * request.candidates + chosen
    return noise[rows], classes[rows], {name: values[rows] for name, values in made.items()}


def choose_candidates(
    energies: np.ndarray,
    labels: np.ndarray,
    edges: np.ndarray,
    energy: float | None = None,
    unrest: np.ndarray | None = None,
) -> np.ndarray:
    """Return which candidate is taken: the calmest of those in its class, or else the nearest.

    Args:
        energies: Of the candidates, eV per atom, `(n, candidates)`.
        labels: Their classes, `(n,)`.
        edges: Of the classes, eV per atom, `(classes + 1,)`.
        energy: What is asked for instead of a class: the nearest is taken.
        unrest: Less for candidates that relaxing will move less, `(n, candidates)`; where it is
            not known, the first in its class is taken.
    """
    middles = (edges[1:] + edges[:-1]) / 2
    if energy is not None:
        return np.abs(energies - energy).argmin(axis=1)
    beyond = np.abs(energies - middles[labels][:, None]) - np.diff(edges)[labels][:, None] / 2
    off = np.maximum(beyond, 0.0)
    if unrest is None:
        return off.argmin(axis=1)
    nearest = off == off.min(axis=1, keepdims=True)
    return np.where(nearest, unrest, np.inf).argmin(axis=1)


def within_range(there: np.ndarray, oxygen: tuple[float, float] | None) -> np.ndarray:
    """Say which slabs have a number of anions for each metal atom within a range, `(n,)`.

    Args:
        there: Whether sites hold a metal atom or an anion, bool `(n, sites, 2)`.
        oxygen: Least and largest, or `None` for any.
    """
    if oxygen is None:
        return np.ones(len(there), bool)
    metal, anions = there.sum(axis=1).T
    ratio = anions / np.maximum(metal, 1)
    return (ratio >= oxygen[0] - 1e-6) & (ratio <= oxygen[1] + 1e-6)
