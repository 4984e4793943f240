# %% [markdown]
# # A generator explored
#
# What does the bundled model `joint3d` draw, does it do as it is asked, and what is the noise for?

# %%
import subprocess
import sys
from collections import Counter

import ase.io
import matplotlib.pyplot as plt
import numpy as np


def ruo2(command, **flags):
    """Run a command of keras_ruo2 and show what it prints."""
    words = [f"--{name}={value}" for name, value in flags.items()]
    done = subprocess.run(
        [sys.executable, "-m", "keras_ruo2", command, *words], capture_output=True, text=True
    )
    print(done.stdout[-1500:] or done.stderr[-1500:])
    done.check_returncode()


# %% [markdown]
# ## Draw

# %%
ruo2("generate", model="joint3d", count=60, out="samples.npz", structures="slabs.extxyz", shown=12)
slabs = ase.io.read("slabs.extxyz", ":")
print(len(slabs), "slabs,", min(map(len, slabs)), "to", max(map(len, slabs)), "atoms")

# %%
with np.load("samples.npz") as samples:
    grid, lattice, label = samples["grid"], samples["lattice"], samples["label"]
print("grid", grid.shape, grid.dtype, "| lattice", lattice.shape, "| label", label.shape)

# %% [markdown]
# Each grid has a channel for Ru and one for O. Seen along y, by their highest densities:

# %%
figure, axes = plt.subplots(2, 6, figsize=(12, 4.4))
for column in range(6):
    for row, name in enumerate(("Ru", "O")):
        axis = axes[row, column]
        axis.imshow(grid[column, ..., row].max(axis=1).T, origin="lower", cmap="magma")
        axis.set(xticks=[], yticks=[], title=name if column == 0 else "")
plt.show()

# %% [markdown]
# ## How many O?
#
# The number of O is drawn, not given. Stoichiometric slabs have two for each Ru:

# %%
ratio = [sum(slab.symbols == "O") / sum(slab.symbols == "Ru") for slab in slabs]
plt.figure(figsize=(5, 3))
plt.hist(ratio, bins=20)
plt.xlabel("O per Ru")
plt.ylabel("slabs")
plt.show()

# %% [markdown]
# ## Ask for a facet and a class
#
# Class 0 is the lowest energy per atom. The same noise (`--seed`), two classes:

# %%
for wanted in (0, 7):
    name = f"class_{wanted}"
    ruo2("generate", facet="110", label=wanted, count=20, out=f"{name}.npz",
         structures=f"{name}.extxyz", seed=1)  # fmt: skip
    asked = ase.io.read(f"{name}.extxyz", ":")
    oxygen = [sum(atoms.symbols == "O") / len(atoms) for atoms in asked]
    print("class", wanted, "| share of O:", np.round(np.mean(oxygen), 3))

# %% [markdown]
# ## Are they slabs, and are they new?
#
# `screen` gives every reason against a structure by name, and compares with the known slabs.

# %%
ruo2("screen", structures="class_0.extxyz", out="screened.extxyz")
screened = ase.io.read("screened.extxyz", ":")
Counter((atoms.info["valid"], atoms.info["novel"]) for atoms in screened)

# %% [markdown]
# ## A path through the noise
#
# Eight samples between two points; what changes on the way is what the noise decides.

# %%
ruo2("generate", interpolate=8, out="path.npz", seed=3)
with np.load("path.npz") as samples:
    path = samples["grid"]
figure, axes = plt.subplots(1, 8, figsize=(13, 2))
for step, axis in enumerate(axes):
    axis.imshow(path[step].sum(axis=-1).max(axis=1).T, origin="lower", cmap="magma")
    axis.set(xticks=[], yticks=[], title=step)
plt.show()
