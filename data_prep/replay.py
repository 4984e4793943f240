"""A chain replayed from its file: its accepted structures in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ase.io
import numpy as np

from keras_ruo2.basin_hopping.history import ACCEPTED, iterate_trials
from keras_ruo2.basin_hopping.statistics import MILLI, formula_excess
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.paths import atomic_write, shown
from keras_ruo2.structure.cells import with_energy

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.basin_hopping.history import HistoryFrame
    from keras_ruo2.config.search import ReplayConfig


def main(config: ReplayConfig) -> None:
    """Write the accepted structures of a chain as an animation, a strip or structures.

    Args:
        config: `ReplayConfig`.

    Raises:
        ConfigError: If there is no such chain, or several and none was chosen.
    """
    check_writable(config.out.parent)
    frames = accepted_frames(config.structures, config.chain)
    shown_frames = thin_out(frames, config.count)
    with atomic_write(config.out) as partial:
        write_replay(shown_frames, frames, partial, config)
    print(
        f"{shown(config.out)}: {len(shown_frames)} of {len(frames)} accepted structures of chain "
        f"{frames[0].info['chain']}."
    )


def accepted_frames(path: Path, number: int | None) -> list[HistoryFrame]:
    """Return the last snapshot of every accepted trial of a chain, the start's first.

    Args:
        path: As for `histories.iterate_frames`.
        number: Number of the chain; `None` if there is only one.

    Returns:
        List of `HistoryFrame`, at least one.

    Raises:
        ConfigError: If there is no such chain, or several and none was chosen.
    """
    accepted, chains = [], set()
    alone = path / f"chain-{number:03d}.extxyz" if number is not None else path
    path = alone if alone.is_file() else path  # the other chains need not be read
    for trial in iterate_trials(path):
        info = trial[-1].info
        chains.add(info["chain"])
        if number is None and len(chains) > 1:
            raise ConfigError(f"{path} holds several chains. Choose one: --chain=0.")
        if info["outcome"] == ACCEPTED and number in (None, info["chain"]):
            accepted.append(trial[-1])
    if number not in (None, *chains):
        raise ConfigError(f"No chain {number} in {path}. It holds {min(chains)} to {max(chains)}.")
    if not accepted:
        raise ConfigError(f"{path} holds no accepted structure of the chain.")
    return accepted


def thin_out(frames: Sequence[HistoryFrame], count: int | None) -> Sequence[HistoryFrame]:
    """Return `count` frames at equal distances, the first and the last one among them."""
    if count is None or count >= len(frames):
        return frames
    return [frames[int(place)] for place in np.linspace(0, len(frames) - 1, count).round()]


def write_replay(
    frames: Sequence[HistoryFrame],
    accepted: Sequence[HistoryFrame],
    path: Path,
    config: ReplayConfig,
) -> None:
    """Write the frames, of all that were accepted, in the format of the path's ending."""
    if path.suffix == ".extxyz":
        with atomic_write(path) as partial:
            ase.io.write(partial, [with_energy(frame.atoms, frame.energy) for frame in frames])
        return
    from keras_ruo2.plotting import replay
    from keras_ruo2.plotting.style import save_figure

    first = accepted[0]
    info, steps = first.info, [picture_step(frame, first) for frame in frames]
    title = f"{info['start']}, chain {info['chain']}, dmu_O {info['dmu_o']:g} eV"
    if path.suffix == ".png":
        save_figure(replay.strip(steps, title), path)
    else:
        curve = [(frame.info["trial"], gain(frame, first)) for frame in accepted]
        replay.animate(steps, curve, path, title, frames_per_second=config.speed)


def picture_step(frame: HistoryFrame, first: HistoryFrame) -> dict[str, Any]:
    """Return what a picture needs of an accepted structure."""
    return {
        "atoms": frame.atoms,
        "trial": frame.info["trial"],
        "title": f"{frame.info['trial']}: {frame.info['move']}, {formula_excess(frame)}",
        "value": gain(frame, first),
    }


def gain(frame: HistoryFrame, first: HistoryFrame) -> float:
    """Return the grand potential of a frame over that of the first one, meV/Å^2."""
    change = frame.grand_potential - first.grand_potential
    return change * MILLI / float(first.lengths[0] * first.lengths[1])
