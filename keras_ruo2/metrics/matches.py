"""The most similar reference of every image: is it new, or has the generator learned by heart?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft

from keras_ruo2.metrics.ssim import available_cores, slices_of, ssim_matrix, ssim_pairs

BLOCK = 4096  # references that are compared at a time
CANDIDATES = 4  # references of a block that are aligned with an image, those that correlate best


@dataclass(frozen=True)
class Matches:
    """The best match of each of n images.

    Args:
        index: Number of the reference whose less similar channel is most similar, `(n,)`.
        ssim: Its structural similarity, channels apart, `(n, channels)`.
        shift: Voxels by which that reference was rolled along each axis first, `(n, ndim)`.
        channel_index: Number of the most similar reference of each channel, `(n, channels)`.
        channel_ssim: Its similarity in that channel, `(n, channels)`.
    """

    index: np.ndarray
    ssim: np.ndarray
    shift: np.ndarray
    channel_index: np.ndarray
    channel_ssim: np.ndarray

    @property
    def similarity(self) -> np.ndarray:
        """Similarity of both channels of the best match: that of the lesser one, `(n,)`."""
        return self.ssim.min(axis=-1)


def best_matches(
    images: np.ndarray,
    references: np.ndarray | Iterable[np.ndarray],
    *,
    align: bool = False,
    threads: int | None = None,
) -> Matches:
    """Find the reference that each image resembles most.

    The references are gone through block by block, so that memory does not grow with them.

    Args:
        images: Array of shape `(n, *grid, channels)`.
        references: Array of shape `(m, *grid, channels)`, or an iterable of such arrays.
        align: Roll each reference to where its cross-correlation with the image, summed over the
            channels, is largest. Only the `CANDIDATES` of each block that correlate best are then
            compared, since each pair has a shift of its own.
        threads: Threads; by default one for each core that this process may use.

    Returns:
        `Matches`.

    Raises:
        ValueError: If there is no reference, the shapes do not fit or a value is not finite.
    """
    images = np.asarray(images, dtype=np.float32)
    best: Matches | None = None
    begin = 0
    for block in in_blocks(references):
        matches = (
            compare_aligned(images, block, threads) if align else compare(images, block, threads)
        )
        matches = replace(
            matches, index=matches.index + begin, channel_index=matches.channel_index + begin
        )
        best = matches if best is None else better(best, matches)
        begin += len(block)
    if best is None:
        raise ValueError("there are no references to compare with")
    return best


def in_blocks(references: np.ndarray | Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield arrays of at most `BLOCK` references."""
    for chunk in [references] if isinstance(references, np.ndarray) else references:
        for part in slices_of(len(chunk), BLOCK):
            yield chunk[part]


def compare(images: np.ndarray, block: np.ndarray, threads: int | None) -> Matches:
    """Return the `Matches` among a block of references as they are."""
    similarity = ssim_matrix(images, block, threads=threads)
    shifts = np.zeros((len(images), 1, images.ndim - 2), dtype=int)
    candidates = np.broadcast_to(np.arange(len(block)), similarity.shape[:2])
    return matches_among(
        similarity, candidates, np.broadcast_to(shifts, (*candidates.shape, shifts.shape[-1]))
    )


def matches_among(similarity: np.ndarray, candidates: np.ndarray, shifts: np.ndarray) -> Matches:
    """Return the `Matches` among candidates.

    Args:
        similarity: Array of shape `(n, k, channels)`.
        candidates: Numbers of the references, `(n, k)`.
        shifts: Voxels by which they were rolled, `(n, k, ndim)`.
    """
    rows = np.arange(len(similarity))
    joint = similarity.min(axis=-1).argmax(axis=1)
    single = similarity.argmax(axis=1)
    return Matches(
        index=candidates[rows, joint],
        ssim=similarity[rows, joint],
        shift=shifts[rows, joint],
        channel_index=np.take_along_axis(candidates, single, axis=1),
        channel_ssim=similarity.max(axis=1),
    )


def better(first: Matches, second: Matches) -> Matches:
    """Return the better of two `Matches` for each image."""
    joint = second.similarity > first.similarity
    single = second.channel_ssim > first.channel_ssim
    return Matches(
        index=np.where(joint, second.index, first.index),
        ssim=np.where(joint[:, None], second.ssim, first.ssim),
        shift=np.where(joint[:, None], second.shift, first.shift),
        channel_index=np.where(single, second.channel_index, first.channel_index),
        channel_ssim=np.where(single, second.channel_ssim, first.channel_ssim),
    )


def compare_aligned(images: np.ndarray, block: np.ndarray, threads: int | None) -> Matches:
    """Return the `Matches` among those of a block that correlate best, rolled into place."""
    candidates, shifts = candidates_of(images, block, threads)
    rolled = np.stack(
        [
            [roll(block[number], shift) for number, shift in zip(*pairs, strict=True)]
            for pairs in zip(candidates, shifts, strict=True)
        ]
    )
    repeated = np.repeat(images, candidates.shape[1], axis=0)
    similarity = ssim_pairs(repeated, rolled.reshape(repeated.shape))
    return matches_among(similarity.reshape(*candidates.shape, -1), candidates, shifts)


def roll(image: np.ndarray, shift: Sequence[int]) -> np.ndarray:
    """Return an image rolled by `shift` voxels along the axes of its grid."""
    return np.roll(image, tuple(shift), axis=tuple(range(image.ndim - 1)))


def candidates_of(
    images: np.ndarray, block: np.ndarray, threads: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the references that correlate best with each image, and where they do.

    Returns:
        Their numbers `(n, k)` and the shifts that bring them closest, `(n, k, ndim)`.
    """
    axes = tuple(range(1, images.ndim - 1))
    count, grid = min(CANDIDATES, len(block)), images.shape[1:-1]
    spectra = fft.rfftn(np.asarray(block, dtype=np.float32), axes=axes)
    norms = np.linalg.norm(np.asarray(block, dtype=np.float32).reshape(len(block), -1), axis=1)

    def search(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spectrum = fft.rfftn(image, axes=tuple(range(len(grid))))
        product = np.einsum("...c,n...c->n...", spectrum, spectra.conj())
        correlation = fft.irfftn(product, grid, axes=axes).reshape(len(block), -1)
        place = correlation.argmax(axis=1)
        height = correlation[np.arange(len(block)), place] / np.maximum(norms, 1e-12)
        chosen = np.argpartition(-height, count - 1)[:count]
        return chosen, np.stack(np.unravel_index(place[chosen], grid), axis=-1)

    with ThreadPoolExecutor(threads or available_cores()) as pool:
        numbers, shifts = zip(*pool.map(search, images), strict=True)
    return np.stack(numbers), np.stack(shifts)


def share_above(matches: Matches, threshold: float) -> float:
    """Return the share of images whose best match is more similar than that in both channels."""
    return float(np.mean(matches.similarity > threshold))
