"""A small, diverse set of a search's snapshots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_ruo2.basin_hopping.compact import pack, split_into_parts, text_of
from keras_ruo2.basin_hopping.history import iterate_frames, iterate_trials
from keras_ruo2.basin_hopping.thinning import RULES, SPARE, Thinning, choose_evenly
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.paths import atomic_write, move_over, shown

if TYPE_CHECKING:
    from keras_ruo2.config.search import ThinConfig


PARTS = "part-{:03d}.extxyz.xz"


def main(config: ThinConfig) -> list[dict[str, Any]]:
    """Choose snapshots by the rules of `keras_ruo2.basin_hopping.thinning` and write them.

    Args:
        config: `ThinConfig`.

    Raises:
        ConfigError: If the structures are no snapshots of one search.
    """
    check_thinned_output(config)
    rules = Thinning(config.limit, config.least)
    thinned, total = [], 0
    for trial in iterate_trials(config.structures):
        total += len(trial)
        thinned.extend(rules.keep(trial))
    chosen = {kept.name for kept in thinned}
    if config.count is not None:
        chosen = choose_evenly(thinned, config.count, config.limit)
    rules.dropped[SPARE] = len(thinned) - len(chosen)
    frames = (f for f in iterate_frames(config.structures) if f.name in chosen)
    sizes = write_thinned([text_of(frame) for frame in frames], config)
    for rule in RULES:
        number = rules.dropped[rule]
        print(f"{number:9,} of {total:,} dropped ({100 * number / total:.0f} %): {rule}")
    print(
        f"{shown(config.out)}: {len(chosen):,} snapshots, {sum(sizes) / 1e6:.2f} MB in {len(sizes)}"
        f" files, the largest {max(sizes) / 1e6:.2f} MB."
    )
    return [{"rule": rule, "dropped": rules.dropped[rule], "of": total} for rule in RULES]


def check_thinned_output(config: ThinConfig) -> None:
    """Raise `ConfigError` if the output exists, or is not what may be replaced by one."""
    out = config.out
    check_writable(out.parent)
    if not out.exists():
        return
    if out.is_dir() and not all(path.match("part-*.extxyz.xz") for path in out.iterdir()):
        raise ConfigError(f"--out={shown(out)} holds other things. Choose another folder.")
    if out.is_dir() == config.one_file:
        raise ConfigError(f"--out={shown(out)} is of another kind. Choose another name.")
    if not config.overwrite:
        raise ConfigError(f"--out={shown(out)} exists. Choose another or add --overwrite.")


def write_thinned(texts: Sequence[str], config: ThinConfig) -> list[int]:
    """Write frames as one file or as a folder of parts, which appears whole.

    Returns:
        Sizes of the files, bytes.
    """
    out = config.out.resolve()
    if config.one_file:
        with atomic_write(out) as partial:
            partial.write_bytes(pack(texts, out.suffix))
        return [out.stat().st_size]
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        partial.mkdir()
        parts = split_into_parts(texts, int(config.part_size * 1e6))
        for number, part in enumerate(parts):
            (partial / PARTS.format(number)).write_bytes(part)
        move_over(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return [len(part) for part in parts]
