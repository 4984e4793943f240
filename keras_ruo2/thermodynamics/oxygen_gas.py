"""Oxygen gas: its chemical potential from tabulated entropies and enthalpies, and vibrations."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from keras_ruo2.errors import ConfigError

BOLTZMANN = 8.617333262e-5  # eV/K, exact in the SI of 2019 to these digits
KILOJOULE_PER_MOL = 1 / 96.48533212  # eV
STANDARD_PRESSURE = 1.0  # bar, of the table below

# O2 gas at 0.1 MPa: temperature (K), entropy (J/K/mol), enthalpy relative to 298.15 K (kJ/mol).
# Source: M. W. Chase, NIST-JANAF Thermochemical Tables, 4th ed., J. Phys. Chem. Ref. Data,
# Monograph 9 (1998), oxygen, ideal gas.
JANAF_O2 = (
    (100.0, 173.307, -5.779),
    (200.0, 193.485, -2.868),
    (298.15, 205.147, 0.0),
    (300.0, 205.329, 0.054),
    (400.0, 213.871, 3.025),
    (500.0, 220.693, 6.084),
    (600.0, 226.451, 9.244),
    (700.0, 231.466, 12.499),
    (800.0, 235.921, 15.835),
    (900.0, 239.931, 19.241),
    (1000.0, 243.578, 22.703),
    (1100.0, 246.922, 26.212),
    (1200.0, 250.010, 29.761),
    (1300.0, 252.878, 33.344),
    (1400.0, 255.556, 36.957),
    (1500.0, 258.068, 40.599),
)
ENTHALPY_AT_ZERO = -8.683  # kJ/mol, H(0 K) - H(298.15 K), the same table


def gas_energies() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the temperatures of the table, K, and half of O2's H(T) - H(0) - T S(T), eV."""
    temperature, entropy, enthalpy = np.array(JANAF_O2).T
    heat = enthalpy - ENTHALPY_AT_ZERO
    return temperature, (heat - temperature * entropy / 1000) / 2 * KILOJOULE_PER_MOL


@overload
def oxygen_potential(temperature: float, pressure: float) -> float: ...


@overload
def oxygen_potential(temperature: NDArray[np.float64], pressure: float) -> NDArray[np.float64]: ...


def oxygen_potential(
    temperature: float | NDArray[np.float64], pressure: float
) -> float | NDArray[np.float64]:
    """Return dmu_O of O2 gas, eV.

    Args:
        temperature: K, 100 to 1500; a number or an array.
        pressure: bar.

    Returns:
        A number or an array like `temperature`.

    Raises:
        ConfigError: Outside the table's temperatures, or if the pressure is not positive.

    Source:
        Reuter and Scheffler, eqs. 21 and 22, with the entropies and enthalpies of `JANAF_O2`.
    """
    temperatures, energies = gas_energies()
    values = np.asarray(temperature, dtype=float)
    if not np.all((values >= temperatures[0]) & (values <= temperatures[-1])):
        raise ConfigError(
            f"Temperature {temperature} K is outside the table of O2, "
            f"{temperatures[0]:.0f} to {temperatures[-1]:.0f} K."
        )
    if not pressure > 0:
        raise ConfigError(f"Pressure {pressure} bar. Expected a positive number.")
    found = CubicSpline(temperatures, energies)(values)
    found = found + values * BOLTZMANN * np.log(pressure / STANDARD_PRESSURE) / 2
    return float(found) if found.ndim == 0 else found


def vibrational_energy(quantum: float, temperature: float) -> float:
    """Return the free energy of a harmonic oscillator with its zero-point energy, eV.

    Args:
        quantum: h times its frequency, eV.
        temperature: K, positive.
    """
    thermal = BOLTZMANN * temperature
    return quantum / 2 + thermal * np.log1p(-np.exp(-quantum / thermal))


def temperature_of(delta_mu_o: float, pressure: float) -> float:
    """Return the temperature at which O2 of `pressure` (bar) has this dmu_O, K, or NaN."""
    low, high = (row[0] for row in (JANAF_O2[0], JANAF_O2[-1]))
    bounds = [oxygen_potential(end, pressure) - delta_mu_o for end in (low, high)]
    if bounds[0] < 0 or bounds[1] > 0:
        return np.nan
    return brentq(lambda t: oxygen_potential(t, pressure) - delta_mu_o, low, high)
