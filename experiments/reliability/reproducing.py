"""What differs by processor and backend: python -m experiments.reliability.reproducing --steps=5

Builds small records and trains small networks in a process for each setting, and prints two tables:
whether records have the same bytes and how far weights are, after so many steps, from those of the
first setting of the same backend; and how far one update by known noise is from TensorFlow's. Other
processors are played by variables that keep libraries from using newer instructions.
--settings='["NAME","NAME"]' takes some, --kept=FOLDER keeps what is found. A setting that fails is
named and left out.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import fire
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = {"kim": "2D", "solid": "3D"}  # cases of test_parity
ONE_THREAD = {f"TF_NUM_{name}_THREADS": "1" for name in ("INTRAOP", "INTEROP")}
ONE_THREAD |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
TWO_THREADS = {name: "2" for name in ONE_THREAD if name.endswith("THREADS")}
FIRST = "TensorFlow"
NEWEST = "X86_V4 AVX512_ICL AVX512_SPR"  # NumPy's names of what lies above AVX2


class Setting(NamedTuple):
    """A backend, `None` where only records are built, and variables of its process."""

    backend: str | None
    variables: dict = {}


def onednn(isa):
    """Return what keeps oneDNN from using instructions above a set."""
    return {"ONEDNN_MAX_CPU_ISA": isa, "DNNL_MAX_CPU_ISA": isa}


def xla(isa):
    """Return what keeps XLA from compiling for instructions above a set."""
    return {"XLA_FLAGS": f"--xla_cpu_max_isa={isa}"}


TENSORFLOW = {
    **{"": {}, " again": {}, ", two threads": TWO_THREADS},
    ", oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    ", oneDNN up to SSE4.1": onednn("SSE41"),
    ", oneDNN up to AVX2": onednn("AVX2"),
    ", oneDNN up to AVX-512": onednn("AVX512_CORE"),
    ", oneDNN up to AMX": onednn("AVX512_CORE_AMX"),
}
JAX = {
    **{"": {}, " again": {}},
    ", XLA up to SSE4.2": xla("SSE4_2"),
    ", XLA up to AVX2": xla("AVX2"),
    ", XLA up to AVX-512": xla("AVX512"),
}
TORCH = {
    **{"": {}, " again": {}, ", two threads": TWO_THREADS},
    ", ATen without AVX": {"ATEN_CPU_CAPABILITY": "default"},
    ", ATen up to AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
    ", oneDNN up to AVX2": onednn("AVX2"),
    ", ATen, oneDNN and MKL up to AVX2": {
        **{"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
        **onednn("AVX2"),
    },
}
ONLY_RECORDS = {
    "NumPy up to AVX2": {"NPY_DISABLE_CPU_FEATURES": NEWEST, "OPENBLAS_CORETYPE": "Haswell"},
    "NumPy up to SSE4.2": {
        "NPY_DISABLE_CPU_FEATURES": f"X86_V3 {NEWEST}",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
}
SETTINGS = {
    **{f"TensorFlow{name}": Setting("tensorflow", some) for name, some in TENSORFLOW.items()},
    **{f"JAX{name}": Setting("jax", some) for name, some in JAX.items()},
    **{f"PyTorch{name}": Setting("torch", some) for name, some in TORCH.items()},
    **{name: Setting(None, some) for name, some in ONLY_RECORDS.items()},
}


def main(steps=5, settings=None, kept=None, worker=None, setting=None):
    """Print both tables; with `worker` be the process of a setting and write this file."""
    if worker is not None:
        np.savez(worker, **work(setting, steps))
        return
    wanted = settings.split(",") if isinstance(settings, str) else settings or SETTINGS
    needed = [FIRST, *(first_of(name) for name in wanted), *wanted]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(kept or folder)
        place.mkdir(parents=True, exist_ok=True)
        rows = {name: found_by(name, steps, place) for name in SETTINGS if name in needed}
    rows = {name: found for name, found in rows.items() if found}
    print(trained_table(rows, steps))
    print(updated_table(rows))


def first_of(name):
    """Return the setting with which one is compared, the first of its backend."""
    backend = SETTINGS[name].backend or "tensorflow"
    return next(other for other, setting in SETTINGS.items() if setting.backend == backend)


def found_by(name, steps, folder):
    """Return the arrays that a process with a setting has saved, `None` if it failed."""
    path = folder / f"{name}.npz"
    if not path.exists():
        setting = SETTINGS[name]
        backend = {"KERAS_BACKEND": setting.backend or "tensorflow"}
        environment = os.environ | ONE_THREAD | backend | setting.variables
        words = [sys.executable, "-m", "experiments.reliability.reproducing", f"--steps={steps}"]
        words += [f"--worker={path}", f"--setting={name}"]
        made = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True)
        if made.returncode:
            print(f"{name} failed: {made.stderr[-500:]}", file=sys.stderr)
            return None
    with np.load(path) as found:
        return dict(found)


def work(setting, steps):
    """Return what one process finds: a checksum of records, one update, weights after training."""
    found = {"records": np.array(records_checksum())}
    backend = SETTINGS[setting].backend
    if backend is None:
        return found
    from keras_ruo2.backend import start_backend

    start_backend(backend)
    from keras import ops

    from tests.training import test_parity as parity

    for case in NETWORKS:
        update = parity.one_step(case, backend).items()
        found |= {f"update/{case}/{name}": ops.convert_to_numpy(value) for name, value in update}
        found |= trained(case, steps, backend)
    return found


def trained(case, steps, backend):
    """Return every weight of a small model after one step and after some, with its own noise."""
    from keras import ops

    from tests.training import test_parity as parity

    model = parity.make_model(case, backend, trainer=lambda base: base)
    batch = parity.make_batch(case, parity.SIZE * model.settings.critic_steps)
    found = {}
    for step in range(1, steps + 1):
        model.train_on_batch(batch)
        if step in (1, steps):
            weights = enumerate(model.trainable_variables)
            found |= {
                f"{'first' if step == 1 else 'last'}/{case}/{number}": ops.convert_to_numpy(weight)
                for number, weight in weights
            }
    return found


def records_checksum():
    """Return a checksum of the bytes of small records."""
    from tests.damage_cases import make_records

    with tempfile.TemporaryDirectory() as folder:
        make_records(Path(folder))
        shards = sorted((Path(folder) / "records").glob("*.tfrecord"))
        return hashlib.sha256(b"".join(path.read_bytes() for path in shards)).hexdigest()


def largest_difference(one, other, start):
    """Return how far arrays are apart, over the largest element where that exceeds 1."""
    apart = [
        np.abs(other[name] - value).max() / max(1, np.abs(value).max())
        for name, value in one.items()
        if name.startswith(start) and value.size
    ]
    return float(max(apart))


def trained_table(rows, steps):
    """Return a row for each setting, compared with the first of its backend."""
    names = [f"{network}: one step | {steps} steps" for network in NETWORKS.values()]
    lines = ["| setting | records | " + " | ".join(names) + " |", "|---|---|" + "---|---|" * 2]
    for setting, found in rows.items():
        same = found["records"] == rows[FIRST]["records"]
        cells = ["same bytes" if same else "other bytes"] + ["-"] * 2 * len(NETWORKS)
        first = first_of(setting)
        if SETTINGS[setting].backend and first in rows:
            keys = [f"{kind}/{case}/" for case in NETWORKS for kind in ("first", "last")]
            apart = [largest_difference(rows[first], found, key) for key in keys]
            cells[1:] = [f"{value:.1e}" if value else "same" for value in apart]
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def updated_table(rows):
    """Return a row for each setting with a backend, compared with TensorFlow as it is."""
    lines = ["| setting | " + " | ".join(NETWORKS.values()) + " |", "|---|---|---|"]
    for setting in [name for name in rows if SETTINGS[name].backend and name != FIRST]:
        apart = [
            largest_difference(rows[FIRST], rows[setting], f"update/{case}/") for case in NETWORKS
        ]
        cells = [f"{value:.1e}" if value else "same" for value in apart]
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    fire.Fire(main, serialize=lambda _: None)
