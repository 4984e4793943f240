import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.memory import check_memory, free_memory, most_atoms


def test_the_least_of_machine_and_container_counts(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8000 kB\nMemAvailable:    4000 kB\n")
    limit, use = tmp_path / "max", tmp_path / "current"
    use.write_text("1000000\n")
    limit.write_text("max\n")
    assert free_memory(meminfo, [(limit, use)]) == 4000 * 1024
    limit.write_text("3000000\n")
    assert free_memory(meminfo, [(limit, use)]) == 2_000_000
    assert free_memory(tmp_path / "none", []) is None


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
