"""Network architectures and the training that suits each, written as data."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Block:
    """One convolution with what surrounds it.

    Args:
        width: Filters as a multiple of the architecture's width; 0 for as many as the output has.
        kernel: Kernel size.
        stride: Stride of the convolution, or the factor that a generator's block enlarges by.
    """

    width: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Architecture:
    """Two networks and the defaults of their training.

    Args:
        meaning: What it is, in a few words.
        width: Filters of a block of width 1 in 2D, and in 3D where `width3d` is 0.
        start: Voxels along each direction before the generator's first block.
        first: Filters of that first feature map as a multiple of the width.
        generator: Blocks of the generator; the last gives the grid.
        upsampling: `atoms` (no grid is enlarged: atoms are placed and drawn), `waves`
            (one-dimensional periodic convolutions along z give the coefficients
            of lateral Fourier series), `resize` (nearest voxels, then a periodic convolution) or
            `transpose` (transposed convolutions).
        padding: Padding of transposed convolutions.
        generator_slope: Negative slope of the generator's activations; 0 is ReLU.
        output_norm: Whether batch normalisation precedes the final sigmoid.
        output_bias: Start of the last bias; grids are almost empty.
        critic: Blocks of the critic.
        shift: Whether each grid is shifted periodically as its noise says.
        critic_norm: From which critic block on layer normalisation follows; -1 for none.
        input_dropout: Dropout on the critic's input.
        hidden_dropout: Dropout after the critic's first convolution.
        reader: Blocks of a network of its own that reads the lengths from a grid, in generator
            and critic; without it they come from the first and the last feature map.
        head_norm: Whether the lattice heads normalise over the batch.
        learning_rate: Of both networks.
        beta_1: Of both Adam optimisers.
        critic_steps: Critic updates for each generator update.
        batch_size: Samples of a critic update in 2D.
        average: Decay of the averaged generator weights; 0 for none.
        lattice_gradient: `both`, or `generator` to keep the gradient of the generator's lattice
            loss from flowing through the critic's reading.
        critic3d: Blocks of the critic in 3D; without any those of 2D.
        reader3d: Blocks of the reader in 3D; without any those of 2D.
        width3d: Filters of a block of width 1 in 3D; 0 for as many as in 2D.
        batch_size3d: Samples of a critic update in 3D.
        environment_weight: Weight of the critic of atomic environments in the generator's loss;
            only for generators of atoms.
        energy_weight: Weight of how far the energies that this critic reads are off the class.
        misfit_weight: Weight of distances between atoms that no training slab has.
        rest_weight: Weight of how far atoms on the sites of real slabs come from where these rest.
        usable: Steps after which it has learned something: with `waves` 1,048 gave good slices and
            410 poor ones, atoms on known sites look right before any and have settled by 100.
    """

    meaning: str
    width: int
    start: int
    first: int
    generator: tuple[Block, ...]
    critic: tuple[Block, ...]
    upsampling: str
    padding: str = "same"
    generator_slope: float = 0.0
    output_norm: bool = False
    output_bias: float = 0.0
    shift: bool = False
    critic_norm: int = -1
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    head_norm: bool = False
    reader: tuple[Block, ...] = ()
    learning_rate: float = 2e-4
    beta_1: float = 0.5
    critic_steps: int = 5
    batch_size: int = 64
    average: float = 0.0
    lattice_gradient: str = "both"
    critic3d: tuple[Block, ...] = ()
    reader3d: tuple[Block, ...] = ()
    width3d: int = 0
    batch_size3d: int = 32
    environment_weight: float = 0.0
    energy_weight: float = 0.0
    misfit_weight: float = 0.0
    rest_weight: float = 0.0
    usable: int = 1000

    @property
    def places_atoms(self) -> bool:
        """Whether the generator places atoms, on anchors from the training slabs."""
        return self.upsampling == "atoms"

    def critic_in(self, ndim: int) -> tuple[Block, ...]:
        """Return the blocks of the critic for grids of `ndim` dimensions."""
        return self.critic3d or self.critic if ndim == 3 else self.critic

    def reader_in(self, ndim: int) -> tuple[Block, ...]:
        """Return the blocks of the reader for grids of `ndim` dimensions."""
        return self.reader3d or self.reader if ndim == 3 else self.reader

    def width_in(self, ndim: int) -> int:
        """Return the filters of a block of width 1 for grids of `ndim` dimensions."""
        return self.width3d or self.width if ndim == 3 else self.width

    def batch_size_in(self, ndim: int) -> int:
        """Return the samples of a critic update for grids of `ndim` dimensions."""
        return self.batch_size3d if ndim == 3 else self.batch_size


PLAIN_CRITIC: dict[
    str, Any
] = {  # periodic convolutions without norm, and a reader of lengths of its own
    "critic": (Block(1, 5), Block(2, 4, 2), Block(4, 4, 2), Block(8, 4, 2)),
    "critic3d": (Block(2, 4, 2), Block(4, 4, 2), Block(8, 4, 2)),
    "reader": (Block(2, 6, 2), Block(4, 4, 2), Block(4, 4, 2)),
    "reader3d": (Block(2, 4, 2), Block(4, 4, 2), Block(4, 4, 2)),
    "width3d": 8,
    "batch_size3d": 16,
    "beta_1": 0.0,
    "critic_steps": 2,
    "batch_size": 32,
}
ARCHITECTURES = MappingProxyType(
    {
        # Ours. Atoms have exact places on the sites of the training slabs, so that blur, wrong
        # widths and lengths that contradict the picture cannot be; the networks decide which
        # sites are occupied and where around them the atoms are.
        "atoms": Architecture(
            meaning="atoms on the sites of the training slabs, drawn as exact Gaussians",
            width=16,
            start=1,
            first=32,
            generator=(),
            upsampling="atoms",
            learning_rate=3e-4,
            average=0.995,
            environment_weight=30.0,
            energy_weight=0.3,
            misfit_weight=10.0,
            rest_weight=300.0,
            usable=100,
            **PLAIN_CRITIC,
        ),
        # Ours. The generator writes rows of atoms as lateral Fourier series with the repeats of the
        # data, so that crystal order is a few numbers; nothing in it overlaps, which is what paints
        # stripes elsewhere.
        "waves": Architecture(
            meaning="lateral Fourier series over layers in z, plain periodic critic",
            width=16,
            start=8,
            first=16,
            generator=(Block(16, 5, 2), Block(16, 5, 2), Block(0, 5)),
            upsampling="waves",
            shift=True,
            output_bias=-3.0,
            learning_rate=5e-4,
            average=0.995,
            **PLAIN_CRITIC,
        ),
        "resize": Architecture(
            meaning="nearest-voxel resizing and periodic convolutions, plain periodic critic",
            width=16,
            start=4,
            first=8,
            generator=(Block(8, 3, 2), Block(4, 3, 2), Block(2, 3, 2), Block(0, 3)),
            upsampling="resize",
            output_bias=-3.0,
            critic=(Block(1, 5), Block(2, 4, 2), Block(4, 4, 2), Block(8, 4, 2)),
            learning_rate=5e-4,
            beta_1=0.0,
            critic_steps=2,
            average=0.995,
        ),
        # Kim, Lee and Kim, Sci. Adv. 6, eaax9324 (2020); its learning rate is not known to us.
        "kim": Architecture(
            meaning="Kim et al. 2020: transposed convolutions of kernel 5, layer norm, dropout",
            width=32,
            start=4,
            first=8,
            generator=(Block(4, 5, 2), Block(2, 5, 2), Block(1, 5, 2), Block(0, 5)),
            upsampling="transpose",
            critic=(Block(1, 5), Block(2, 5, 2), Block(4, 5, 2), Block(8, 5, 2)),
            critic_norm=1,
            input_dropout=0.5,
            head_norm=True,
        ),
        # Section 3.3.1 of the thesis; kernels, strides and widths were lost with its figures and
        # are ours: the unpadded transposed convolutions lead 1 -> 3 -> 7 -> 15 -> 32.
        "thesis": Architecture(
            meaning="the thesis: unpadded transposed convolutions, batch norm before the sigmoid",
            width=32,
            start=1,
            first=0,
            generator=(Block(8, 3), Block(4, 3, 2), Block(2, 3, 2), Block(0, 4, 2)),
            upsampling="transpose",
            padding="valid",
            generator_slope=0.2,
            output_norm=True,
            critic=(Block(1, 4, 2), Block(2, 4, 2), Block(4, 4, 2)),
            critic_norm=0,
            hidden_dropout=0.5,
            head_norm=True,
            learning_rate=1e-3,
            batch_size=32,
        ),
    }
)
DEFAULT = "atoms"
WITHOUT_SITES = "waves"  # of networks that are built without any training slabs
LATTICE_GRADIENTS = ("both", "generator")
