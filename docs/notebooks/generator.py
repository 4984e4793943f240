# %% [markdown]
# # A generator explored
#
# What does the bundled model `joint3d` draw, does it do as it is asked, and what is the noise for?

# %%
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

import keras_ruo2 as kr

run = kr.load("joint3d")

# %% [markdown]
# ## Draw
#
# Structures, one cell of each; or the grids that the network works on.

# %%
slabs = run.sample(60)
print(len(slabs), "slabs of", min(map(len, slabs)), "to", max(map(len, slabs)), "atoms")
samples = run.grids(6)
print({name: (values.shape, str(values.dtype)) for name, values in samples.items()})

# %% [markdown]
# Each grid has a channel for Ru and one for O. Seen along y, by their highest densities:

# %%
figure, axes = plt.subplots(2, 6, figsize=(12, 4.4))
for column in range(6):
    for row, name in enumerate(("Ru", "O")):
        axis = axes[row, column]
        axis.imshow(samples["grid"][column, ..., row].max(axis=1).T, origin="lower", cmap="magma")
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
# ## Ask for a facet and an energy
#
# Class 0 is the lowest energy per atom; an energy in eV per atom may be given instead. The same
# noise (`seed`), two classes:

# %%
low, high = (run.sample(20, facet="110", energy=name, seed=1) for name in ("low", 7))
for name, asked in (("low", low), ("class 7", high)):
    print(name, "| share of O:", round(np.mean([np.mean(a.symbols == "O") for a in asked]), 3))

# %% [markdown]
# ## Are they slabs, and are they new?
#
# `screen` gives every reason against a structure by name, and compares with the known slabs.

# %%
verdicts = kr.screen(low)
print(Counter((verdict.valid, verdict.unique, verdict.novel) for verdict in verdicts))
for verdict in verdicts[:8]:
    print(verdict.termination.label if verdict.valid else verdict.reasons)

# %% [markdown]
# ## What is the noise for?
#
# Eight samples of one class and facet: the noise decides which sites of the faces are occupied, how
# often the cell is repeated and where the slab lies in its box.

# %%
drawn = run.grids(8, facet="110", energy="low", seed=3)["grid"]
figure, axes = plt.subplots(1, 8, figsize=(13, 2))
for step, axis in enumerate(axes):
    axis.imshow(drawn[step].sum(axis=-1).max(axis=1).T, origin="lower", cmap="magma")
    axis.set(xticks=[], yticks=[], title=step)
plt.show()
