"""How the cost of each part grows, with atoms, grid size, batch and size of the dataset.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.growth [--only=PART ...] [--repeats=3]

Core seconds at four or more sizes, each half as many again or twice the one before. `exponent` is
the slope of a straight line through their logarithms and `error` its standard error: cost grows as
the size to that power, where the line fits. `seconds` are those at each size.
"""

import argparse
import contextlib
import io
import math
import tempfile

import numpy as np

from experiments.benchmarks.machine import core_seconds, report

SIZES = {  # in full and in a setting of seconds
    "voxelise by atoms": ((250, 500, 1000, 2000, 4000), (10, 20, 40, 80)),
    "voxelise by voxels a side": ((16, 24, 32, 48, 64), (8, 12, 16, 24)),
    "backmap by atoms": ((1, 2, 4, 8), (1, 2)),
    "backmap by voxels a side": ((24, 32, 48, 64), (24, 32)),
    "screen by structures": ((10, 20, 40, 80), (2, 4)),
    "records by structures": ((4, 8, 16, 32), (2, 4)),
    "train 2D by batch": ((8, 16, 32, 64), (2, 4)),
    "train 2D by voxels a side": ((16, 24, 32, 48), (8, 16)),
    "train 3D by batch": ((2, 4, 8, 16), (2, 4)),
    "train 3D by voxels a side": ((16, 24, 32, 40), (8, 16)),
    "SSIM by images": ((16, 32, 64, 128), (2, 4)),
    "SSIM by records": ((500, 1000, 2000, 4000), (8, 16)),
    "nearest by records": ((500, 1000, 2000, 4000), (8, 16)),
}


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="sizes of seconds")
    given = parser.parse_args(words)
    figures = {}
    for name in given.only:
        sizes = SIZES[name][given.tiny]
        what, _, by = name.partition(" by ")
        with MEASURES[what, by](sizes) as ways:
            ways = dict(zip(ways, sizes, strict=True))
            seconds = core_seconds({size: way for way, size in ways.items()}, given.repeats)
        counts = [ATOMS_OF.get((what, by), lambda size: size)(size) for size in sizes]
        figures[name] = fit(counts, [seconds[size] for size in sizes])
    report("growth", figures)


def fit(sizes, seconds):
    """Return the exponent of a power law, its standard error, and what it was fitted to."""
    x, y = np.log(sizes), np.log(np.maximum(seconds, 1e-6))
    slope, level = np.polyfit(x, y, 1)
    left = y - slope * x - level
    freedom = len(sizes) - 2
    spread = math.sqrt((left**2).sum() / freedom / ((x - x.mean()) ** 2).sum()) if freedom else 0.0
    return {
        "exponent": round(float(slope), 2),
        "error": round(spread, 2),
        "seconds": {str(n): float(f"{s:.3g}") for n, s in zip(sizes, seconds, strict=True)},
    }


def slabs_of(count):
    """Return so many bundled slabs, the list repeated as often as needed."""
    import ase.io

    from keras_ruo2.io.paths import BUNDLED_STRUCTURES

    slabs = [a for a in ase.io.read(BUNDLED_STRUCTURES, ":") if a.info["broken"] == "no"]
    copies = [slabs[number % len(slabs)].copy() for number in range(count)]
    for number, copy in enumerate(copies):
        copy.calc = slabs[number % len(slabs)].calc
    return copies


def repeated(times):
    """Return a slab of 30 atoms so many times, in a cell that keeps its proportions roughly."""
    from keras_ruo2.structure.slabs import build_slab

    across = 2 ** (times.bit_length() // 2)
    return build_slab("110-stoichiometric", a=4.5, c=3.1, num_planes=5).repeat(
        (times // across, across, 1)
    )


@contextlib.contextmanager
def voxelise_by_atoms(sizes):
    from experiments.benchmarks.voxelise import ALPHA, slab
    from keras_ruo2.density.voxelise import voxelise

    made = [slab(size) for size in sizes]
    yield [lambda atoms=atoms: voxelise(atoms, (32,) * 3, alpha=ALPHA) for atoms in made]


@contextlib.contextmanager
def voxelise_by_voxels(sizes):
    from experiments.benchmarks.voxelise import ALPHA, slab
    from keras_ruo2.density.voxelise import voxelise

    atoms = slab(500)
    yield [lambda size=size: voxelise(atoms, (size,) * 3, alpha=ALPHA) for size in sizes]


def mapping_back(atoms, size):
    """Return a function that maps a structure's grid back."""
    from keras_ruo2.density.backmap import backmap
    from keras_ruo2.density.voxelise import voxelise

    grid = voxelise(atoms, (size,) * 3, alpha=5.0)
    return lambda: backmap(grid, atoms.cell.lengths(), alpha=5.0)


@contextlib.contextmanager
def backmap_by_atoms(sizes):
    yield [mapping_back(repeated(size), 48) for size in sizes]


@contextlib.contextmanager
def backmap_by_voxels(sizes):
    yield [mapping_back(repeated(2), size) for size in sizes]


@contextlib.contextmanager
def screen_by_structures(sizes):
    from keras_ruo2.screening.screening import known_slabs, screen

    known, slabs = known_slabs(slabs_of(20)), slabs_of(max(sizes))
    for number, slab in enumerate(slabs):
        slab.rattle(0.02, seed=number)
    yield [lambda size=size: screen(slabs[:size], known) for size in sizes]


@contextlib.contextmanager
def records_by_structures(sizes):
    import ase.io

    from keras_ruo2.config.preparation import RecordsConfig
    from keras_ruo2.records import build

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        ways = []
        for size in sizes:
            path = f"{folder}/{size}.extxyz"
            ase.io.write(path, slabs_of(size))
            options = {"structures": path, "out": f"{folder}/{size}", "overwrite": True}
            config = RecordsConfig(recipe="gap3d", holdout=0.25, **typed(options))
            ways.append(lambda config=config: build.main(config))
        yield ways


def typed(options):
    """Return options whose words are paths."""
    from pathlib import Path

    return {k: Path(value) if isinstance(value, str) else value for k, value in options.items()}


def training(variant, batch, voxels):
    """Return a training step of `waves` on random grids."""
    from experiments.benchmarks import training_step, training_ways

    words = [f"--variant={variant}", "--arch=waves", f"--voxels={voxels}", "--critic_steps=1"]
    given = training_step.parse(words)
    model = training_ways.make_ours(given)
    return training_ways.step_of(model, training_ways.make_batch(given, batch))


def trained_by(variant, voxels=None, batch=None):
    """Return what makes the steps of a variant at sizes of the batch or of the grid."""

    @contextlib.contextmanager
    def make(sizes):
        from experiments.benchmarks import training_step

        training_step.prepare(training_step.parse([]), "tensorflow")
        yield [training(variant, batch or size, voxels or size) for size in sizes]

    return make


@contextlib.contextmanager
def ssim_by(sizes, images=None):
    from experiments.benchmarks.ssim import slices
    from keras_ruo2.metrics.ssim import ssim_matrix

    rng = np.random.default_rng(0)
    made = slices(max(*sizes, images or 1000), 32, 2, rng)
    if images:
        yield [lambda size=size: ssim_matrix(made[:images], made[:size]) for size in sizes]
    else:
        yield [lambda size=size: ssim_matrix(made[:size], made[:1000]) for size in sizes]


@contextlib.contextmanager
def nearest_by_records(sizes):
    from experiments.benchmarks.ssim import slices
    from keras_ruo2.metrics.neighbours import nearest_records

    made = slices(max(sizes), 32, 2, np.random.default_rng(0))
    yield [lambda size=size: nearest_records(made[:100], made[:size]) for size in sizes]


MEASURES = {
    ("voxelise", "atoms"): voxelise_by_atoms,
    ("voxelise", "voxels a side"): voxelise_by_voxels,
    ("backmap", "atoms"): backmap_by_atoms,
    ("backmap", "voxels a side"): backmap_by_voxels,
    ("screen", "structures"): screen_by_structures,
    ("records", "structures"): records_by_structures,
    ("train 2D", "batch"): trained_by("lattice2d", voxels=32),
    ("train 2D", "voxels a side"): trained_by("lattice2d", batch=16),
    ("train 3D", "batch"): trained_by("joint3d", voxels=32),
    ("train 3D", "voxels a side"): trained_by("joint3d", batch=4),
    ("SSIM", "images"): ssim_by,
    ("SSIM", "records"): lambda sizes: ssim_by(sizes, images=20),
    ("nearest", "records"): nearest_by_records,
}
ATOMS_OF = {("backmap", "atoms"): lambda times: len(repeated(times))}


if __name__ == "__main__":
    main()
