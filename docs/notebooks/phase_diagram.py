# %% [markdown]
# # From slabs to a phase diagram
#
# Which termination of which facet is stable, at which oxygen pressure? Here for the 148 slabs that
# come with the package; put your own file in place of `bundled:gap`. Lengths in Å, energies in eV.

# %%
import subprocess
import sys
from collections import Counter

import matplotlib.pyplot as plt

import keras_ruo2 as kr
from keras_ruo2.io.paths import BUNDLED_STRUCTURES

# %% [markdown]
# ## The slabs
#
# `read` takes what ASE reads; functions take pymatgen's structures as well.

# %%
slabs = kr.read(BUNDLED_STRUCTURES)
print(len(slabs), "slabs;", "energies by", slabs[0].info["calculator"])
Counter(slab.info["facet"] for slab in slabs)

# %% [markdown]
# Energy per atom says little: slabs with more O are lower or higher for that reason alone. What
# counts is the surface free energy against the chemical potential of oxygen,
# $\gamma = [E - N_{Ru} E_{RuO_2} + (2 N_{Ru} - N_O)(E_{O_2}/2 + \Delta\mu_O)] / 2A$.

# %% [markdown]
# ## The diagram

# %%
diagram = kr.phase_diagram(slabs)
diagram.plot("phase_diagram.png")
plt.figure(figsize=(11, 8))
plt.imshow(plt.imread("phase_diagram.png"))
plt.axis("off")
plt.show()

# %% [markdown]
# The table behind it, and which slabs are the stable ones of their facet, from which to which
# chemical potential (eV):

# %%
poor, rich = diagram.limits
print(f"{len(diagram.rows)} slabs; the oxide is stable between {poor:.2f} and {rich:.2f} eV")
for row in diagram.rows:
    if row.stable:
        low, high = row.stable
        gamma = 1e3 * row.line(-1.0)  # at -1 eV
        print(f"{row.facet} {row.label:34} {low:6.2f} to {high:5.2f}  {gamma:4.0f} meV/Å²")

# %% [markdown]
# ## Crystals, other methods
#
# Two commands do more with the same slabs: the shape of a crystal at two chemical potentials (Wulff
# construction), and error bars from the energies of two more potentials.

# %%
flags = {
    "structures": "bundled:gap",
    "out": "diagram",
    "wulff": "-1.5,-0.8",
    "compare": "bundled:gap_7net-0,bundled:gap_7net-mf-0_PBE",
}
words = [f"--{name}={value}" for name, value in flags.items()]
command = [sys.executable, "-m", "keras_ruo2", "phase_diagram", *words]
print(subprocess.run(command, capture_output=True, text=True, check=True).stdout[-1500:])

# %%
for name in ("wulff.png", "phase_diagram.png"):
    plt.figure(figsize=(11, 7))
    plt.imshow(plt.imread(f"diagram/{name}"))
    plt.axis("off")
    plt.show()
