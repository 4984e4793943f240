"""How much memory is left, and which structures a calculator would not fit into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keras_ruo2.errors import ConfigError

MEGABYTE = 1_000_000
RESERVED = 500 * MEGABYTE  # for everything but the calculator
# Memory of one call with forces, and the largest structure that it was measured to be safe for, by
# the name of a calculator. Measured: CHGNet 0.3.0,
# forces without stress on slabs of 72 to 1,800 atoms, 5.8 to 6.3 MB an atom; SevenNet 7net-0 and
# 7net-mf-0, 72 to 1,008 atoms, 4.9 to 5.5 MB; 7net-l3i5, 72 to 288 atoms, 11.9 to 12 MB.
BYTES_PER_ATOM = {
    "chgnet": 6.5 * MEGABYTE,
    "sevennet:7net-0": 6.0 * MEGABYTE,
    "sevennet:7net-mf-0@PBE": 6.0 * MEGABYTE,
    "sevennet:7net-mf-0@R2SCAN": 6.0 * MEGABYTE,
    "sevennet:7net-l3i5": 13.0 * MEGABYTE,
}
MOST_ATOMS = {
    "chgnet": 1800,
    "sevennet:7net-0": 1000,
    "sevennet:7net-mf-0@PBE": 1000,
    "sevennet:7net-mf-0@R2SCAN": 1000,
    "sevennet:7net-l3i5": 288,
}
# psutil sees no limits of control groups.
MEMINFO = Path("/proc/meminfo")
OWN_GROUPS = Path("/proc/self/cgroup")
MOUNTED = Path("/sys/fs/cgroup")
# Limit and use of a control group, in both versions of Linux's: the controller's folder, two files.
CGROUPS = {
    "": ("", "memory.max", "memory.current"),
    "memory": ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
}


def free_memory(
    meminfo: Path = MEMINFO, own: Path = OWN_GROUPS, mounted: Path = MOUNTED
) -> int | None:
    """Return the memory that may still be taken, bytes, or `None` where it cannot be told.

    It is the least of what the machine has and of what the limits of this process's control groups
    leave: those of a container, or of a job of Slurm.
    """
    limits = []
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if "MemAvailable" in lines:
            limits.append(1024 * int(lines["MemAvailable"].split()[0]))
    for limit, use in control_groups(own, mounted):
        try:
            used = int(use.read_text()) - cached_files(limit.with_name("memory.stat"))
            limits.append(int(limit.read_text()) - used)
        except (OSError, ValueError):  # no such control group, or its limit is the word `max`
            continue
    return min(limits, default=None)


def cached_files(path: Path) -> int:
    """Return how much of a group's use is files that the kernel gives up when asked, bytes."""
    lines = path.read_text().splitlines() if path.is_file() else []
    values = dict(line.split() for line in lines)
    return int(values.get("total_inactive_file", values.get("inactive_file", 0)))


def control_groups(own: Path, mounted: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the files with limit and use of this process's control groups, the outer ones too.

    Args:
        own: File that names them, a line `number:controllers:/path` for each hierarchy.
        mounted: Folder where they are mounted.
    """
    lines = own.read_text().splitlines() if own.is_file() else []
    for line in [*lines, "0::/", "1:memory:/"]:  # in a container the path may not be visible
        _, controllers, path = line.split(":", 2)
        for controller in set(controllers.split(",")) & CGROUPS.keys():
            folder, limit, use = CGROUPS[controller]
            place = mounted / folder / path.strip("/")
            for group in (place, *place.parents):
                if group.is_relative_to(mounted / folder):
                    yield group / limit, group / use


def most_atoms(calculator: str, free: int | None = None) -> int | None:
    """Return the largest number of atoms whose forces `calculator` can compute here, or `None`.

    Args:
        calculator: Its name; only those of `BYTES_PER_ATOM` are guarded.
        free: Free memory in bytes; by default what the machine has now.
    """
    if calculator not in BYTES_PER_ATOM:
        return None
    free = free_memory() if free is None else free
    if free is None:
        return MOST_ATOMS[calculator]
    fitting = int((free - RESERVED) / BYTES_PER_ATOM[calculator])
    return max(0, min(MOST_ATOMS[calculator], fitting))


def check_memory(calculator: str, num_atoms: int, free: int | None = None) -> None:
    """Raise `ConfigError` if forces on `num_atoms` atoms would take more memory than there is."""
    free = free_memory() if free is None else free
    limit = most_atoms(calculator, free)
    if limit is None or num_atoms <= limit:
        return
    size = f"{calculator} needs {BYTES_PER_ATOM[calculator] / MEGABYTE:.1f} MB an atom"
    left = "" if free is None else f", {free / MEGABYTE:.0f} MB are free"
    raise ConfigError(
        f"A structure of {num_atoms} atoms is too large: {size}{left}, so that {limit} atoms are "
        "the most. Give smaller cells, free some memory, or use another --calculator."
    )
