"""ASE calculators by name, with energies that can be compared between oxygen contents."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sysconfig
import warnings
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ase.calculators.calculator import Calculator

from keras_ruo2.errors import ConfigError
from keras_ruo2.extras import install as install_extra
from keras_ruo2.io.paths import REPOSITORY, checksum
from keras_ruo2.relaxation.chgnet import CHGNET_MODEL, OXIDE_CORRECTION_UNDONE, uncorrected_chgnet
from keras_ruo2.relaxation.device import torch_device

NO_CORRECTION = "none"
EXPECTED = "'chgnet', 'mace', 'mace:FILE', 'quippy:FILE', 'sevennet:MODEL' or 'module:callable'"


class Model(NamedTuple):
    """A model that comes with its package.

    Args:
        title: Its name in the provenance.
        checkpoint: Its file, below the package's folder.
        modality: Which of several kinds of calculation it is to stand for, or `None`.
    """

    title: str
    checkpoint: str
    modality: str | None = None


class Named(NamedTuple):
    """A calculator that has a name of its own.

    Args:
        module: What must be importable.
        distribution: What it is installed as; its version goes into the provenance.
        install: What to type where it is not installed.
        make: Function of the file after the colon, or `None`, that returns the calculator.
        title: Its name in the provenance.
        file: `no`, `may` or `must`: whether a file follows the name after a colon.
        correction: What its energies carry or what was taken out of them.
        models: Dict of `Model` by what follows the name after a colon; no file does then.
    """

    module: str
    distribution: str
    install: str
    make: Callable[..., Calculator]
    title: str
    file: str = "no"
    correction: str = NO_CORRECTION
    models: MappingProxyType[str, Model] = MappingProxyType({})


def check_calculator(name: str) -> None:
    """Raise `ConfigError` unless `name` can be made a calculator on this machine."""
    kind, _, rest = name.partition(":")
    if kind not in CALCULATORS:
        find_callable(name)
        return
    row = CALCULATORS[kind]
    if row.models and rest not in row.models:
        known = ", ".join(f"{kind}:{model}" for model in row.models)
        raise ConfigError(f"Unknown calculator {name!r}. Expected one of: {known}.")
    if not row.models and ((rest and row.file == "no") or (not rest and row.file == "must")):
        raise ConfigError(f"Unknown calculator {name!r}. Expected {EXPECTED}.")
    if not importlib.util.find_spec(row.module):
        raise ConfigError(f"The calculator {kind!r} is not installed. Install it: {row.install}")
    if rest and not model_file(row, rest).is_file():
        advice = f"Install it again: {row.install}" if row.models else f"Give {kind}:FILE."
        raise ConfigError(f"Calculator {name!r}: no such file {model_file(row, rest)}. {advice}")


def model_file(row: Named, rest: str) -> Path:
    """Return the file of what follows a calculator's name after a colon."""
    if not row.models:
        return Path(rest)
    spec = importlib.util.find_spec(row.module)
    (folder,) = (spec and spec.submodule_search_locations) or ["."]
    return Path(folder) / row.models[rest].checkpoint


def is_known_module(module: str) -> bool:
    """Say, without importing it, whether a module is of an installed package or of this one."""
    top = module.partition(".")[0]
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    if spec is None or spec.origin is None:
        return False
    places = [Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")]
    places += [REPOSITORY / name for name in ("keras_ruo2", "data_prep", "tests")]
    return any(Path(spec.origin).resolve().is_relative_to(p.resolve()) for p in places)


def find_callable(name: str) -> Callable[[], Calculator]:
    """Return the callable that `module:callable` names, or raise `ConfigError`."""
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigError(
            f"Unknown calculator {name!r}. Expected {EXPECTED}, where the callable returns an ASE "
            "calculator."
        )
    try:
        function = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise ConfigError(f"Calculator {name!r}: cannot import {module} ({error}).") from None
    if not callable(function):
        raise ConfigError(f"Calculator {name!r}: {module} has no callable {attribute!r}.")
    return function


def make_calculator(name: str) -> tuple[Calculator, dict[str, str]]:
    """Return `(calculator, provenance)` for a name.

    Args:
        name: `chgnet`; `mace` (its foundation model, which the package `mace-torch` fetches when
            it is first used) or `mace:FILE` (a model of one's own; it is a pickle, which runs what
            its maker wishes); `quippy:FILE` (a GAP or another potential of QUIP's, its .xml
            file); `sevennet:MODEL`, one of those that its package brings along; or
            `module:callable` for any function without arguments that returns an ASE calculator.

    Returns:
        The calculator and a dict of strings: `calculator`, `calculator_version`, `correction`. A
        file is named with the beginning of its checksum, so that models of one name differ.

    Raises:
        ConfigError: If the name is unknown, what it needs is not installed, or it cannot be made.
    """
    check_calculator(name)
    kind, _, rest = name.partition(":")
    if kind not in CALCULATORS:
        return instantiate(name, find_callable(name)), {
            "calculator": name,
            "calculator_version": getattr(importlib.import_module(kind), "__version__", "unknown"),
            "correction": NO_CORRECTION,
        }
    row, (title, correction) = CALCULATORS[kind], method_of(name)
    return instantiate(name, row.make, *argument_of(row, rest)), {
        "calculator": title,
        "calculator_version": f"{row.module} {importlib.metadata.version(row.distribution)}",
        "correction": correction,
    }


def argument_of(row: Named, rest: str) -> tuple[Any, ...]:
    """Return what `row.make` is given for what follows the colon, as a tuple."""
    if row.models:
        return model_file(row, rest), row.models[rest].modality
    return (rest or None,)


def method_of(name: str) -> tuple[str, str]:
    """Return `(calculator, correction)` as the provenance has them, without making it.

    Args:
        name: Of a calculator, as in `make_calculator`; one that `check_calculator` lets pass.
    """
    kind, _, rest = name.partition(":")
    if kind not in CALCULATORS:
        return name, NO_CORRECTION
    row = CALCULATORS[kind]
    if row.models:
        return row.models[rest].title, row.correction
    title = f"{row.title} {Path(rest).name} {checksum(Path(rest))[:8]}" if rest else row.title
    return title, row.correction


def instantiate(name: str, make: Callable[..., Calculator], *arguments: Any) -> Calculator:
    """Return what a function makes, or raise `ConfigError` with what it raised, in one line."""
    try:
        return make(*arguments)
    except Exception as error:  # a library may raise anything, e.g. where there is no network
        reason = " ".join(str(error).split()) or "no reason given"
        raise ConfigError(
            f"The calculator {name!r} cannot be made ({type(error).__name__}: {reason}). Check its "
            "installation and its model, or give another --calculator."
        ) from None


def sevennet(checkpoint: str, modality: str | None) -> Calculator:
    """Return a SevenNet model as an ASE calculator.

    Its energies need no correction: it learned from the energies of Materials Project's PBE (or
    r2SCAN) calculations as they are, which the experiment `013_potentials` confirms for bulk RuO2.

    Args:
        checkpoint: Its file.
        modality: Which of the kinds of calculation that it learned from, or `None` if there is one.
    """
    with warnings.catch_warnings():  # of PyTorch, and of accelerators for GPUs that are not there
        warnings.filterwarnings("ignore", "`torch.jit.script", DeprecationWarning)
        warnings.filterwarnings("ignore", "No tensor product accelerator")
        from sevenn.calculator import SevenNetCalculator

        calculator = SevenNetCalculator(str(checkpoint), modal=modality, device=torch_device())
    calculator.model.requires_grad_(False)
    return calculator


def mace(path: Path | None) -> Calculator:
    """Return a MACE model of one's own, or the foundation model, as an ASE calculator."""
    from mace.calculators import MACECalculator, mace_mp

    if path is None:
        return mace_mp(device=torch_device(), default_dtype="float64")
    return MACECalculator(model_paths=path, device=torch_device(), default_dtype="float64")


def quippy(path: Path) -> Calculator:
    """Return a Gaussian approximation potential as an ASE calculator."""
    from quippy.potential import Potential

    return Potential(param_filename=str(path))


# Checkpoints that the wheel of sevenn brings along; models of other names would be fetched.
SEVENNET_0 = "pretrained_potentials/SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth"
SEVENNET_L3I5 = "pretrained_potentials/SevenNet_l3i5/checkpoint_l3i5.pth"
SEVENNET_MF_0 = "pretrained_potentials/SevenNet_MF_0/checkpoint_sevennet_mf_0.pth"
CALCULATORS = {
    "chgnet": Named(
        module="chgnet",
        distribution="chgnet",
        install=install_extra("energies"),
        make=uncorrected_chgnet,
        title=f"CHGNet {CHGNET_MODEL}",
        correction=OXIDE_CORRECTION_UNDONE,
    ),
    "sevennet": Named(
        module="sevenn",
        distribution="sevenn",
        install=install_extra("sevennet"),
        make=sevennet,
        title="SevenNet",
        models=MappingProxyType(
            {
                "7net-0": Model("SevenNet 7net-0", SEVENNET_0),
                "7net-l3i5": Model("SevenNet 7net-l3i5", SEVENNET_L3I5),
                "7net-mf-0@PBE": Model("SevenNet 7net-mf-0 PBE", SEVENNET_MF_0, "PBE"),
                "7net-mf-0@R2SCAN": Model("SevenNet 7net-mf-0 R2SCAN", SEVENNET_MF_0, "R2SCAN"),
            }
        ),
    ),
    "mace": Named(
        module="mace",
        distribution="mace-torch",
        install="pip install mace-torch",
        make=mace,
        title="MACE",
        file="may",
    ),
    "quippy": Named(
        module="quippy",
        distribution="quippy-ase",
        install="pip install quippy-ase (its GAP part is for non-commercial use)",
        make=quippy,
        title="GAP",
        file="must",
    ),
}
