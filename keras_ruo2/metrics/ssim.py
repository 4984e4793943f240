"""Structural similarity of every image to every reference, as matrix products.

All windows of one place are rows of a matrix there, centred on their own means, so that the
covariances of a whole block of pairs are one product, and so are the other terms of the index:

    S = (2 m m' + C1) (2 s + C2) / ((m^2 + m'^2 + C1) (v + v' + C2))

with means m, variances v and the covariance s of a pair's windows. Means and variances are taken
once an image; the denominator, a product of two sums, is a product of matrices with four columns.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

WINDOW = 5  # voxels along each axis; the thesis chose it to be about as wide as its Gaussians
C1, C2 = 0.01**2, 0.03**2  # (K1 L)^2 and (K2 L)^2 of Wang et al. at a data range L of 1
BLOCK_IMAGES, BLOCK_REFERENCES = 256, 512  # pairs whose windows are gathered together
TILE_IMAGES = 64
# Multiply-adds of one product: below a quarter of a million BLAS starts no threads of its own,
# which would fight with ours; and three tiles of results stay in a core's second cache.
Space: TypeAlias = dict[tuple[object, tuple[int, ...]], np.ndarray]
Terms: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
TILE_WORK, TILE_VALUES = 250_000, 140_000
BOX_VALUES = 300_000  # voxels of the references whose sums are taken at a time, for few images


def ssim_matrix(
    images: np.ndarray, references: np.ndarray, *, threads: int | None = None
) -> np.ndarray:
    """Return the structural similarity of each image to each reference, channels apart.

    Equals `skimage.metrics.structural_similarity` with `win_size=5`, `data_range=1` and its
    uniform window on each channel. Works in float32 on centred windows, where nothing cancels.

    Args:
        images: Array of shape `(n, *grid, channels)` with a grid of two or three axes, each at
            least 5 voxels long, values in [0, 1].
        references: Array of shape `(m, *grid, channels)`.
        threads: Threads; by default one for each core that this process may use.

    Returns:
        Array of shape `(n, m, channels)`, float32, 1 for equal images.

    Raises:
        ValueError: If the shapes do not fit together or a value is not finite.

    Source:
        Wang et al., "Image quality assessment: from error visibility to structural similarity",
        IEEE Trans. Image Process. 13, 600 (2004); sample covariances as in scikit-image.
    """
    images, references = check_images(images), check_images(references)
    if images.shape[1:] != references.shape[1:]:
        raise ValueError(
            f"images of one shape are compared, got {images.shape[1:]} and {references.shape[1:]}"
        )
    result = np.empty((len(images), len(references), images.shape[-1]), dtype=np.float32)
    threads = threads or available_cores()
    step = min(BLOCK_REFERENCES, max(1, -(-len(references) // threads)))
    blocks = itertools.product(
        range(images.shape[-1]),
        slices_of(len(images), BLOCK_IMAGES),
        slices_of(len(references), step),
    )

    def fill(block: tuple[int, slice, slice]) -> None:
        channel, rows, columns = block
        result[rows, columns, channel] = block_ssim(
            images[rows, ..., channel], references[columns, ..., channel]
        )

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(fill, blocks):  # passes an exception on
            pass
    return result


def ssim_pairs(images: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the structural similarity of each image to the reference of the same number.

    Args:
        images: Array of shape `(n, *grid, channels)`.
        references: Array of the same shape.

    Returns:
        Array of shape `(n, channels)`, float32.

    Raises:
        ValueError: If the shapes differ or a value is not finite.
    """
    images, references = check_images(images), check_images(references)
    if images.shape != references.shape:
        raise ValueError(f"pairs have one shape, got {images.shape} and {references.shape}")
    blocks = [to_block(values) for values in (images, references)]
    num_windows = [size - WINDOW + 1 for size in images.shape[1:-1]]
    total = np.zeros(blocks[0].shape[-1])
    space: Space = {}
    for place in itertools.product(*(range(count) for count in num_windows[:-1])):
        (first, mean, variance), (second, other_mean, other_variance) = (
            row_windows(block, place, space, number) for number, block in enumerate(blocks)
        )
        covariance = np.einsum("wkn,wkn->wn", first[:, :-1], second[:, :-1]) / (
            WINDOW ** len(num_windows) - 1
        )
        index = (2 * mean * other_mean + C1) * (2 * covariance + C2)
        index /= (mean**2 + other_mean**2 + C1) * (variance + other_variance + C2)
        total = total + index.sum(axis=0, dtype=np.float64)
    mean_index = total / np.prod(num_windows)
    return mean_index.reshape(images.shape[-1], len(images)).T.astype(np.float32)


def block_ssim(images: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the mean index of a block of pairs, shape `(n, m)`, float64; one channel."""
    first, second = to_block(images[..., None]), to_block(references[..., None])
    num_windows = [size - WINDOW + 1 for size in first.shape[:-1]]
    num_images, num_references = first.shape[-1], second.shape[-1]
    # Gathering windows costs k values an image, sums over boxes about k / 3 a pair: as measured.
    if 3 * num_images * num_references < WINDOW ** len(num_windows) * (num_images + num_references):
        return few_ssim(first, second)
    total = np.zeros((num_images, num_references))
    space: Space = {}
    for place in itertools.product(*(range(count) for count in num_windows[:-1])):
        left = image_terms(first, place, space)
        right = reference_terms(second, place, space)
        add_row(total, left, right, space)
    return total / np.prod(num_windows)


def few_ssim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return what `block_ssim` does from sums over boxes, faster for few images; in float64.

    Args:
        first: Images, shape `(*grid, n)`.
        second: References, shape `(*grid, m)`.
    """
    first, second = first.astype(np.float64), second.astype(np.float64)
    axes = tuple(range(first.ndim - 1))
    count = WINDOW ** len(axes)
    sample = count / (count - 1)
    means, other_means = box_means(first), box_means(second)
    variances = sample * (box_means(first**2) - means**2) + C2
    other_variances = sample * (box_means(second**2) - other_means**2)
    total = np.empty((first.shape[-1], second.shape[-1]))
    for row in range(len(total)):
        one = slice(row, row + 1)
        for columns in slices_of(second.shape[-1], max(1, BOX_VALUES // first[..., 0].size)):
            mean, other = means[..., one], other_means[..., columns]
            both = mean * other
            index = 2 * sample * (box_means(first[..., one] * second[..., columns]) - both) + C2
            index *= 2 * both + C1
            index /= mean**2 + other**2 + C1
            index /= variances[..., one] + other_variances[..., columns]
            total[row, columns] = index.mean(axis=axes)
    return total


def box_means(values: np.ndarray) -> np.ndarray:
    """Return the means over all windows of an array of shape `(*grid, n)`."""
    for axis in range(values.ndim - 1):
        values = np.moveaxis(values, axis, 0)
        two = values[:-1] + values[1:]
        values = np.moveaxis(two[:-3] + two[2:-1] + values[4:], 0, axis)
    return values / WINDOW ** (values.ndim - 1)


def to_block(images: np.ndarray) -> np.ndarray:
    """Return images as `(*grid, channels * n)`, so that a voxel of all of them is contiguous."""
    block = np.ascontiguousarray(np.moveaxis(images, (-1, 0), (-2, -1)), dtype=np.float32)
    return block.reshape(*images.shape[1:-1], -1)


def image_terms(block: np.ndarray, place: Sequence[int], space: Space) -> Terms:
    """Return what the windows of a row of images bring to each of the three products.

    Args:
        block: Array of shape `(*grid, n)`.
        place: First voxel of the windows along all axes of the grid but the last.
        space: Dict that keeps memory from call to call.

    Returns:
        Arrays of shapes `(count, k + 1, n)`, `(count, 2, n)` and `(count, 4, n)`, where `count`
        windows of `k` voxels lie in the row.
    """
    windows, means, variances = row_windows(block, place, space, "images")
    half = np.float32((windows.shape[1] - 2) / 2)  # the covariance's divisor, half of k - 1
    windows[:, -1] = np.float32(C2) * half
    ones, light, spread = np.ones_like(means), means**2 + np.float32(C1), variances + np.float32(C2)
    return (
        windows,
        np.stack([2 * means, np.float32(C1) * ones], axis=1) / half,
        np.stack([light * spread, light, spread, ones], axis=1),
    )


def reference_terms(block: np.ndarray, place: Sequence[int], space: Space) -> Terms:
    """Return what the windows of a row of references bring to them, of the same shapes."""
    windows, means, variances = row_windows(block, place, space, "references")
    windows[:, -1] = 1
    ones, squares = np.ones_like(means), means**2
    return (
        windows,
        np.stack([means, ones], axis=1),
        np.stack([ones, variances, squares, squares * variances], axis=1),
    )


def row_windows(block: np.ndarray, place: Sequence[int], space: Space, name: object) -> Terms:
    """Gather the windows of one row and centre them.

    Returns:
        Centred windows `(count, k + 1, n)`, whose last entries are free, and their means and
        sample variances, both `(count, n)`.
    """
    strip = block[tuple(slice(begin, begin + WINDOW) for begin in place)]
    windows = np.moveaxis(sliding_window_view(strip, WINDOW, axis=-2), (-3, -1), (0, -2))
    count, num_voxels = len(windows), WINDOW ** (block.ndim - 1)
    kept = tile(space, name, (count, num_voxels + 1, block.shape[-1]))
    centred = kept[:, :-1]
    np.copyto(centred.reshape(windows.shape), windows)
    means = centred.mean(axis=1)
    centred -= means[:, None]
    return kept, means, np.einsum("wkn,wkn->wn", centred, centred) / (num_voxels - 1)


def add_row(total: np.ndarray, left: Terms, right: Terms, space: Space) -> None:
    """Add the index of a row's windows to `total`, tile by tile.

    Args:
        total: Array of shape `(n, m)`.
        left: What `image_terms` returned.
        right: What `reference_terms` returned.
        space: Dict that keeps the memory of tiles from call to call.
    """
    count, depth = left[0].shape[:2]
    height = min(TILE_IMAGES, total.shape[0])
    width = max(1, TILE_WORK // (depth * height))
    group = max(1, TILE_VALUES // (height * width))
    for windows, rows, columns in itertools.product(
        slices_of(count, group), slices_of(total.shape[0], height), slices_of(total.shape[1], width)
    ):
        index, other = (
            np.matmul(
                left[term][windows, :, rows].swapaxes(1, 2),
                right[term][windows, :, columns],
                out=tile(space, term, tuple(s.stop - s.start for s in (windows, rows, columns))),
            )
            for term in (0, 1)
        )
        index *= other
        index /= np.matmul(
            left[2][windows, :, rows].swapaxes(1, 2), right[2][windows, :, columns], out=other
        )
        total[rows, columns] += index.sum(axis=0)


def tile(space: Space, name: object, shape: tuple[int, ...]) -> np.ndarray:
    """Return memory of this shape, the same each time."""
    if (name, shape) not in space:
        space[name, shape] = np.empty(shape, dtype=np.float32)
    return space[name, shape]


def slices_of(total: int, size: int) -> list[slice]:
    """Return slices of at most `size` that cover `range(total)`."""
    return [slice(begin, min(begin + size, total)) for begin in range(0, total, size)]


def check_images(images: np.ndarray) -> np.ndarray:
    """Return images as an array, or raise `ValueError` if they cannot be compared."""
    images = np.asarray(images)
    if images.ndim not in (4, 5) or min(images.shape[1:-1]) < WINDOW:
        raise ValueError(
            f"images are {images.shape}, expected (n, *grid, channels) with a grid of two or "
            f"three axes of at least {WINDOW} voxels"
        )
    if not np.isfinite(images).all():
        raise ValueError("images hold values that are not finite")
    return images


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
