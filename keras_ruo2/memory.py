"""How much memory is left, and which structures a calculator would not fit into it."""

from pathlib import Path

from keras_ruo2.errors import ConfigError

MEGABYTE = 1_000_000
RESERVED = 500 * MEGABYTE  # for everything but the calculator
# Memory of one call with forces, and the largest structure that it was measured to be safe for, by
# the name of a calculator. Measured: CHGNet 0.3.0,
# forces without stress on slabs of 72 to 1,800 atoms, 5.8 to 6.3 MB an atom.
BYTES_PER_ATOM = {"chgnet": 6.5 * MEGABYTE}
MOST_ATOMS = {"chgnet": 1800}
MEMINFO = Path("/proc/meminfo")
CGROUPS = (  # limit and use of a container, of both versions of Linux's control groups
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free_memory(meminfo=MEMINFO, cgroups=CGROUPS):
    """Return the memory that may still be taken, bytes, or `None` where it cannot be told.

    It is the least of what the machine has and of what the limit of a container leaves.
    """
    found = []
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if "MemAvailable" in lines:
            found.append(1024 * int(lines["MemAvailable"].split()[0]))
    for limit, use in cgroups:
        try:
            found.append(int(Path(limit).read_text()) - int(Path(use).read_text()))
        except (OSError, ValueError):  # no such control group, or its limit is the word `max`
            continue
    return min(found, default=None)


def most_atoms(calculator, free=None):
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


def check_memory(calculator, num_atoms, free=None):
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
