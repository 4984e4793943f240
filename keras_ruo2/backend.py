"""Start a Keras backend before anything imports Keras."""

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from keras_ruo2.errors import ConfigError
from keras_ruo2.extras import install

BACKENDS = {
    "tensorflow": f"{install('cpu')} (with an NVIDIA GPU: gpu instead of cpu)",
    "jax": install("jax"),
    "torch": install("torch"),
}
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# What shares a batch among devices on each backend.
STRATEGIES = {
    "tensorflow": ("none", "mirrored", "multiworker"),
    "jax": ("none", "data_parallel"),
    "torch": ("none",),
}


def start_backend(name: str, devices: int = 0, deterministic: bool = False) -> None:
    """Choose the Keras backend and import it without its start-up chatter.

    Args:
        name: A key of `BACKENDS`.
        devices: Logical CPU devices that JAX makes, if not 0.
        deterministic: Whether JAX must add in the same order every time on GPUs, too.

    Raises:
        ConfigError: If it is not installed.
    """
    name_backend(name)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if name == "jax":
        set_xla_flags(devices, deterministic)
    if name in sys.modules and "keras" in sys.modules:
        check_running(name)
        return
    with quiet_standard_error():
        importlib.import_module(name)
        importlib.import_module("keras")
        if is_installed("tensorflow"):  # Keras imports it when it looks at data
            importlib.import_module("tensorflow")


def name_backend(name: str) -> None:
    """Choose the Keras backend without importing it; TensorFlow 2.17 imports Keras itself.

    Raises:
        ConfigError: If it is not installed.
    """
    check_installed(name)
    prefer_onednn()
    os.environ["KERAS_BACKEND"] = name


def prefer_onednn() -> None:
    """Make TensorFlow use oneDNN on every processor, unless the user has decided.

    TensorFlow reads the variable when it is imported. Left alone it turns oneDNN on only where it
    finds instructions made for neural networks (AVX512_VNNI and the like): not on an AMD processor
    with AVX2. What that costs: experiments/benchmarks/critic_update.py.
    """
    os.environ.setdefault(ONEDNN, "1")


def set_xla_flags(devices: int, deterministic: bool) -> None:
    """Tell XLA how many logical CPU devices to make and whether to repeat itself on GPUs."""
    flags = [os.environ.get("XLA_FLAGS", "")]
    if devices:
        flags.append(f"--xla_force_host_platform_device_count={devices}")
    if deterministic:
        flags.append("--xla_gpu_deterministic_ops=true")
    os.environ["XLA_FLAGS"] = " ".join(flags).strip()


def is_installed(name: str) -> bool:
    """Say whether a backend is installed."""
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:
        return False


def find_backend(name: str) -> str:
    """Return a backend's name if it is installed, else that of one that is."""
    return next((other for other in (name, *BACKENDS) if is_installed(other)), name)


def check_installed(name: str) -> None:
    """Raise `ConfigError` if a backend is not installed."""
    if not is_installed(name):
        raise ConfigError(f"The backend {name!r} is not installed. {BACKENDS[name]}")


def check_running(name: str) -> None:
    """Raise `ConfigError` if Keras runs on another backend already."""
    running = sys.modules["keras"].backend.backend()
    if running != name:
        raise ConfigError(f"Keras runs on {running!r} in this process, not on {name!r}.")


@contextmanager
def quiet_standard_error() -> Iterator[None]:
    """Hold back what native code writes to standard error; show it if the block fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
