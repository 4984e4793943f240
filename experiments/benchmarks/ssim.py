"""All pairs' SSIM against scikit-image, in one process: prints one line of JSON.

    python experiments/benchmarks/ssim.py [--samples=FILE.npz] [--images=205] [--references=57806]

Images are slices of random Gaussians, as full as the records' (or those of a samples file), and the
references are rolled copies of such. scikit-image, which works on one core, is timed right after on
`--checked` random pairs of the same images; `largest_difference` is over these pairs. On a shared
machine the ratio of core times says more than that of wall times.
"""

import argparse
import json
import resource
import time

import numpy as np
from skimage.metrics import structural_similarity

from keras_ruo2.density.voxelise import periodic_gaussians
from keras_ruo2.metrics.ssim import available_cores, ssim_matrix


def slices(count, size, ndim, rng):
    """Return `count` grids with 40 atoms of each species in the middle of a cell of 20 A."""
    grids = np.empty((count, *(size,) * ndim, 2), dtype=np.float32)
    for grid in grids:
        for channel in range(2):
            places = rng.uniform(0, 20, (ndim, 40))
            places[-1] = 4 + 0.6 * places[-1]
            grid[..., channel] = np.minimum(densities(places, size), 1)
    return grids


def densities(places, size):
    """Return the sum of the Gaussians of all atoms."""
    lines = [periodic_gaussians(line, 20.0, size, 5.0) for line in places]
    letters = "xyz"[: len(lines)]
    return np.einsum(",".join("a" + letter for letter in letters) + "->" + letters, *lines)


def skimage_seconds(images, references, found, pairs):
    """Return wall and core seconds for a pair and channel, and the largest difference."""
    largest, seconds, core = 0.0, 0.0, 0.0
    for row, column in pairs:
        for channel in range(2):
            image = images[row, ..., channel].astype(float)
            other = references[column, ..., channel].astype(float)
            begin, begin_core = time.perf_counter(), time.process_time()
            value = structural_similarity(image, other, win_size=5, data_range=1)
            seconds += time.perf_counter() - begin
            core += time.process_time() - begin_core
            largest = max(largest, abs(value - found[row, column, channel]))
    return seconds / (2 * len(pairs)), core / (2 * len(pairs)), largest


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples")
    parser.add_argument("--images", type=int, default=205)
    parser.add_argument("--references", type=int, default=57_806)
    parser.add_argument("--ndim", type=int, default=2)
    parser.add_argument("--checked", type=int, default=400)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    images = slices(given.images, 32, given.ndim, rng)
    if given.samples:
        images = np.load(given.samples)["grid"][: given.images]
    originals = slices(min(2000, given.references), 32, given.ndim, rng)
    references = originals[np.arange(given.references) % len(originals)]
    for number, reference in enumerate(references):
        references[number] = np.roll(reference, number // len(originals), axis=0)
    pairs = rng.integers((len(images), len(references)), size=(given.checked, 2))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin, cpu = time.perf_counter(), time.process_time()
    found = ssim_matrix(images, references)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    skimage, skimage_core, difference = skimage_seconds(images, references, found, pairs)
    result = {
        "images": list(images.shape),
        "references": len(references),
        "cores": available_cores(),
        "seconds": round(seconds, 2),
        "core_seconds": round(cpu, 2),
        "microseconds_per_pair_and_channel": round(1e6 * seconds / found.size, 3),
        "skimage_microseconds": round(1e6 * skimage, 1),
        "skimage_core_microseconds": round(1e6 * skimage_core, 1),
        "skimage_seconds_estimated": round(skimage * found.size),
        "times_faster": round(skimage * found.size / seconds, 1),
        "times_less_core_time": round(skimage_core * found.size / cpu, 1),
        "largest_difference": float(difference),
        "extra_memory_megabytes": round((peak - before) / 1024),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
