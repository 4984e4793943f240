"""What differs by processor and backend: python -m experiments.reliability.reproducing --steps=20

Builds small records and trains small networks in a process for each setting, and prints two tables:
whether records have the same bytes and how far weights are apart after so many steps of TensorFlow,
and how far one update by known noise is apart on TensorFlow, JAX and PyTorch. Other processors are
played by variables that keep libraries from using newer instructions. --settings=NAME,NAME takes
some. A setting that fails is named and left out.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import fire
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = {"options": "2D (waves, lattice)", "atoms": "3D (joint3d, atoms)"}  # of test_parity
ONE_THREAD = {f"TF_NUM_{name}_THREADS": "1" for name in ("INTRAOP", "INTEROP")}
ONE_THREAD |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
FIRST = "as it is"
NEWEST = "X86_V4 AVX512_ICL AVX512_SPR"  # NumPy's names of what lies above AVX2


def onednn(isa):
    """Return what keeps oneDNN from using instructions above a set."""
    return {"ONEDNN_MAX_CPU_ISA": isa, "DNNL_MAX_CPU_ISA": isa}


TRAINED = {
    FIRST: {},
    "again": {},
    "two threads": {name: "2" for name in ONE_THREAD if name.endswith("THREADS")},
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "oneDNN up to SSE4.1": onednn("SSE41"),
    "oneDNN up to AVX2": onednn("AVX2"),
    "oneDNN up to AVX-512": onednn("AVX512_CORE"),
    "oneDNN up to AMX": onednn("AVX512_CORE_AMX"),
    "XLA up to AVX2": {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
    "NumPy up to AVX2": {"NPY_DISABLE_CPU_FEATURES": NEWEST, "OPENBLAS_CORETYPE": "Haswell"},
    "NumPy up to SSE4.2": {
        "NPY_DISABLE_CPU_FEATURES": f"X86_V3 {NEWEST}",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
}
UPDATED = {
    "JAX": {"KERAS_BACKEND": "jax"},
    "JAX, XLA up to AVX2": {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
    "PyTorch": {"KERAS_BACKEND": "torch"},
    "PyTorch up to AVX2": {"KERAS_BACKEND": "torch", "ATEN_CPU_CAPABILITY": "avx2"},
}


def main(steps=20, settings=None, worker=None):
    """Print both tables; with `worker` be one of the processes and write this file."""
    if worker is not None:
        np.savez(worker, **work(os.environ["KERAS_BACKEND"], steps))
        return
    wanted = [settings] if isinstance(settings, str) else settings or [*TRAINED, *UPDATED]
    rows = {name: found_by(name, steps) for name in dict.fromkeys([FIRST, *wanted])}
    rows = {name: found for name, found in rows.items() if found}
    print(trained_table(rows, steps))
    print(updated_table(rows))


def found_by(name, steps):
    """Return the arrays that a process with a setting has saved, `None` if it failed."""
    environment = os.environ | ONE_THREAD | {"KERAS_BACKEND": "tensorflow"}
    environment |= TRAINED.get(name, UPDATED.get(name))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.npz"
        words = [sys.executable, "-m", "experiments.reliability.reproducing", f"--steps={steps}"]
        made = subprocess.run(
            [*words, f"--worker={path}"], env=environment, cwd=ROOT, capture_output=True, text=True
        )
        if made.returncode:
            print(f"{name} failed: {made.stderr[-500:]}", file=sys.stderr)
            return None
        with np.load(path) as found:
            return dict(found)


def work(backend, steps):
    """Return what one process finds: a checksum of records, one update, weights after training."""
    from keras_ruo2.backend import start_backend

    start_backend(backend)
    from keras import ops

    from tests.training import test_parity as parity

    found = {}
    for case in NETWORKS:
        update = parity.one_step(case, backend)
        found |= {f"update/{case}/{name}": value for name, value in update.items()}
        if backend == "tensorflow":
            found |= {f"trained/{case}/{k}": v for k, v in trained(case, steps).items()}
    found = {name: ops.convert_to_numpy(value) for name, value in found.items()}
    return found | {"records": np.array(records_checksum())}


def trained(case, steps):
    """Return every weight of a small model after some steps, with noise and Adam as they are."""
    from tests.training import test_parity as parity

    model = parity.make_model(case, "tensorflow", trainer=lambda base: base)
    model.compile()
    batch = parity.make_batch(case, parity.SIZE * model.settings.critic_steps)
    for _ in range(steps):
        model.train_on_batch(batch)
    return {str(number): weight.value for number, weight in enumerate(model.trainable_variables)}


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
    """Return a row for each setting of TensorFlow and NumPy."""
    names = [f"{network}: one update | after {steps} steps" for network in NETWORKS.values()]
    lines = ["| setting | records | " + " | ".join(names) + " |", "|---|---|" + "---|---|" * 2]
    for setting in [name for name in rows if name in TRAINED]:
        found = rows[setting]
        cells = ["same bytes" if found["records"] == rows[FIRST]["records"] else "other bytes"]
        for case in NETWORKS:
            for kind in ("update", "trained"):
                apart = largest_difference(rows[FIRST], found, f"{kind}/{case}/")
                cells.append(f"{apart:.1e}" if apart else "same")
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def updated_table(rows):
    """Return a row for each other backend."""
    lines = ["| backend | " + " | ".join(NETWORKS.values()) + " |", "|---|---|---|"]
    for setting in [name for name in rows if name in UPDATED]:
        cells = [
            f"{largest_difference(rows[FIRST], rows[setting], f'update/{case}/'):.1e}"
            for case in NETWORKS
        ]
        lines.append(f"| {setting} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    fire.Fire(main, serialize=lambda _: None)
