# %% [markdown]
# # From slabs to a phase diagram
#
# Which termination of which facet is stable, at which oxygen pressure? Here for the 148 slabs that
# come with the package; put your own file in place of `bundled:gap`. Lengths in Å, energies in eV.

# %%
import csv
import subprocess
import sys
from collections import Counter

import ase.io
import matplotlib.pyplot as plt

from keras_ruo2.config import PhaseDiagramConfig


def ruo2(command, **flags):
    """Run a command of keras_ruo2 and show what it prints."""
    words = [f"--{name}={value}" for name, value in flags.items()]
    done = subprocess.run(
        [sys.executable, "-m", "keras_ruo2", command, *words], capture_output=True, text=True
    )
    print(done.stdout[-1500:] or done.stderr[-1500:])
    done.check_returncode()


# %% [markdown]
# ## The slabs
#
# `bundled:gap` is a name for the file; as a path it is `BUNDLED_STRUCTURES`.

# %%
path = PhaseDiagramConfig(structures="bundled:gap", out="diagram").structures
slabs = ase.io.read(path, ":")
print(len(slabs), "slabs;", "energies by", slabs[0].info["calculator"])
Counter(slab.info["facet"] for slab in slabs)

# %% [markdown]
# Energy per atom says little: slabs with more O are lower or higher for that reason alone. What
# counts is the surface free energy against the chemical potential of oxygen,
# $\gamma = [E - N_{Ru} E_{RuO_2} + (2 N_{Ru} - N_O)(E_{O_2}/2 + \Delta\mu_O)] / 2A$.

# %% [markdown]
# ## The diagram

# %%
ruo2("phase_diagram", structures="bundled:gap", out="diagram", wulff="-1.5,-0.8")

# %%
plt.figure(figsize=(11, 8))
plt.imshow(plt.imread("diagram/phase_diagram.png"))
plt.axis("off")
plt.show()

# %% [markdown]
# The table behind it, and which slabs are the stable ones:

# %%
with open("diagram/phase_diagram.csv") as file:
    rows = list(csv.DictReader(file))
print(len(rows), "rows with", ", ".join(rows[0]))
for slab in ase.io.read("diagram/stable.extxyz", ":")[:6]:
    print(slab.info["name"], slab.get_chemical_formula())

# %% [markdown]
# ## The shape of a crystal
#
# At two chemical potentials, from the lowest line of each facet (Wulff construction):

# %%
plt.figure(figsize=(9, 4))
plt.imshow(plt.imread("diagram/wulff.png"))
plt.axis("off")
plt.show()

# %% [markdown]
# ## How far to trust it
#
# The energies are CHGNet's. With the same slabs by two more potentials the diagram gets error bars,
# and `crossings.csv` says how far apart the methods see one termination give way to the next:

# %%
compared = "bundled:gap_7net-0,bundled:gap_7net-mf-0_PBE"
ruo2("phase_diagram", structures="bundled:gap", out="compared", compare=compared)
with open("compared/crossings.csv") as file:
    for row in list(csv.reader(file))[:6]:
        print(*row, sep=" | ")
