import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.memory import check_memory, free_memory, most_atoms


def write_group(folder, limit, use, names=("memory.max", "memory.current")):
    """A control group with its limit and use."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, use), strict=True):
        (folder / name).write_text(f"{value}\n")


def test_the_least_of_machine_container_and_job_counts(tmp_path):
    meminfo, own, mounted = (tmp_path / name for name in ("meminfo", "own", "mounted"))
    meminfo.write_text("MemTotal: 8000 kB\nMemAvailable:    4000 kB\n")
    write_group(mounted, "max", 1_000_000)
    assert free_memory(meminfo, own, mounted) == 4000 * 1024
    write_group(mounted, 3_000_000, 1_000_000)
    assert free_memory(meminfo, own, mounted) == 2_000_000
    own.write_text("0::/slurm/job_7/step_0\n")
    write_group(mounted / "slurm" / "job_7", 1_500_000, 500_000)
    write_group(mounted / "slurm" / "job_7" / "step_0", "max", 400_000)
    assert free_memory(meminfo, own, mounted) == 1_000_000
    (mounted / "slurm" / "job_7" / "memory.stat").write_text("anon 9\ninactive_file 200000\n")
    assert free_memory(meminfo, own, mounted) == 1_200_000
    none = tmp_path / "none"
    assert free_memory(none, none, none) is None


def test_limits_of_the_first_version_of_control_groups_count(tmp_path):
    own, mounted = tmp_path / "own", tmp_path / "mounted"
    own.write_text("4:cpu,memory:/job\n3:devices:/\n")
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    write_group(mounted / "memory" / "job", 900_000, 100_000, names)
    write_group(mounted / "memory", 2**63 - 4096, 100_000, names)
    assert free_memory(tmp_path / "none", own, mounted) == 800_000


def test_a_structure_that_would_not_fit_is_refused_before_the_calculator_sees_it():
    assert most_atoms("chgnet", free=2_000_000_000) == 230  # (2,000 - 500) MB / 6.5 MB
    check_memory("chgnet", 230, free=2_000_000_000)
    with pytest.raises(ConfigError, match="231 atoms is too large.*6.5 MB an atom, 2000 MB are"):
        check_memory("chgnet", 231, free=2_000_000_000)


def test_no_memory_is_enough_for_more_atoms_than_were_ever_tried():
    assert most_atoms("chgnet", free=10**12) == 1800
    assert most_atoms("chgnet", free=0) == 0
    assert most_atoms("ase.calculators.lj:LennardJones") is None
    check_memory("ase.calculators.lj:LennardJones", 10**6)
