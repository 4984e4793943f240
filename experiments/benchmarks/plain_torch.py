"""The networks of Kim et al. and their training step in plain PyTorch, as an expert writes them.

Channels first, PyTorch's own layers and optimiser, one fused call where it has one. Lengths are
read only where a loss needs them. Nothing here knows Keras.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

CONVOLUTION = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
NORM = {"eps": 1e-3, "momentum": 0.01}  # Keras's defaults
SLOPE = 0.2


@dataclass(frozen=True)
class Plan:
    """Sizes of both networks and numbers of the schedule.

    Args:
        ndim: Dimensions of a grid.
        voxels: Voxels along each direction.
        latent: Numbers in a noise vector.
        start: Voxels along each direction of the generator's first feature map.
        widths: Channels of the generator's feature maps, the grid's last.
        strides: Of its transposed convolutions.
        critic_widths: Channels of the critic's feature maps.
        critic_strides: Of its convolutions.
        hidden: Width of the hidden layer that lengths are read through.
        classes: Classes that both are told; 0 for none.
        label_size: Numbers in the vector of a class.
        critic_updates: For each update of the generator.
        penalty_weight: Of the gradient penalty.
        gamma: Weight of the generator's error in lengths.
    """

    ndim: int
    voxels: int
    latent: int
    start: int
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    critic_widths: tuple[int, ...]
    critic_strides: tuple[int, ...]
    hidden: int
    classes: int
    label_size: int
    critic_updates: int
    penalty_weight: float
    gamma: float


class Head(nn.Module):
    """Lattice lengths of a vector."""

    def __init__(self, size, hidden, lengths):
        super().__init__()
        self.hidden = nn.Linear(size, hidden, bias=False)
        self.norm = nn.BatchNorm1d(hidden, **NORM)
        self.out = nn.Linear(hidden, lengths)

    def forward(self, features):
        return self.out(functional.relu(self.norm(self.hidden(features.flatten(1)))))


class Generator(nn.Module):
    """Transposed convolutions with batch normalisation.

    Args:
        plan: `Plan`.
    """

    def __init__(self, plan):
        super().__init__()
        self.shape = (plan.widths[0], *(plan.start,) * plan.ndim)
        size = plan.latent
        if plan.classes:
            self.embedding = nn.Embedding(plan.classes, plan.label_size)
            size += plan.label_size
        self.dense = nn.Linear(size, plan.widths[0] * plan.start**plan.ndim, bias=False)
        self.norms = nn.ModuleList(BATCH_NORM[plan.ndim](n, **NORM) for n in plan.widths[:-1])
        self.strides, layers = plan.strides, []
        pairs = zip(plan.widths, plan.widths[1:], plan.strides, strict=False)
        for number, (before, after, stride) in enumerate(pairs, start=2):
            # Five voxels of kernel: a stride of 2 gives one voxel too many at the end.
            layers.append(
                TRANSPOSED[plan.ndim](
                    before,
                    after,
                    5,
                    stride,
                    padding=(5 - stride) // 2,
                    bias=number == len(plan.widths),
                )
            )
        self.convolutions = nn.ModuleList(layers)
        self.head = Head(self.dense.out_features, plan.hidden, plan.ndim)

    def forward(self, noise, label=None):
        """Return grids and the logits of their lengths."""
        known = noise if label is None else torch.cat([noise, self.embedding(label)], 1)
        features = self.dense(known).view(-1, *self.shape)
        features = grid = functional.relu(self.norms[0](features))
        for number, layer in enumerate(self.convolutions, start=1):
            grid = layer(grid)
            if self.strides[number - 1] > 1:
                grid = grid[(..., *(slice(0, -1),) * (grid.ndim - 2))]
            if number < len(self.norms):
                grid = functional.relu(self.norms[number](grid))
        return torch.sigmoid(grid.float()), self.head(features)


class Critic(nn.Module):
    """Periodic convolutions with layer normalisation.

    Args:
        plan: `Plan`.
        activation: After every convolution.
    """

    def __init__(self, plan, activation=None):
        super().__init__()
        self.activation = activation or nn.LeakyReLU(SLOPE)
        self.grid_shape = (1, *(plan.voxels,) * plan.ndim)
        if plan.classes:
            self.embedding = nn.Embedding(plan.classes, plan.label_size)
            self.channel = nn.Linear(plan.label_size, plan.voxels**plan.ndim)
        self.dropout = nn.Dropout(0.5)
        layers, norms, size = [], [], plan.voxels
        widths = [3 if plan.classes else 2, *plan.critic_widths]
        pairs = zip(widths, widths[1:], plan.critic_strides, strict=False)
        for before, after, stride in pairs:
            layers.append(CONVOLUTION[plan.ndim](before, after, 5, stride))
            size //= stride
            shape = (after, *(size,) * plan.ndim)
            norms.append(nn.LayerNorm(shape, eps=NORM["eps"]) if len(norms) else nn.Identity())
        self.convolutions, self.norms = nn.ModuleList(layers), nn.ModuleList(norms)
        features = after * size**plan.ndim
        self.score = nn.Linear(features, 1)
        self.head = Head(features, plan.hidden, plan.ndim)

    def forward(self, grid, label=None):
        """Return scores and the features that lengths are read from."""
        features = grid
        if label is not None:
            channel = self.channel(self.embedding(label)).view(-1, *self.grid_shape)
            features = torch.cat([grid, channel.to(grid.dtype)], 1)
        features = self.dropout(features)
        for layer, norm in zip(self.convolutions, self.norms, strict=True):
            total = 5 - layer.stride[0]
            around = (total // 2, total - total // 2) * (grid.ndim - 2)
            features = layer(functional.pad(features, around, mode="circular"))
            features = self.activation(norm(features))
        return self.score(features.flatten(1)).float(), features


class Masked(nn.Module):
    """LeakyReLU whose second derivative is no tensor of zeros, to count what must be computed."""

    def forward(self, inputs):
        return inputs * (SLOPE + (1 - SLOPE) * (inputs > 0).to(inputs.dtype))


class Draws:
    """Random numbers of a step."""

    def __init__(self, latent, device):
        self.latent, self.device = latent, device

    def noise(self, size):
        return torch.randn(size, self.latent, device=self.device)

    def shares(self, size, ndim):
        return torch.rand(size, *(1,) * (ndim + 1), device=self.device)


class Step:
    """Some critic updates, each on its own batch and noise, then one of the generator.

    Args:
        generator, critic: Networks.
        plan: `Plan`.
        draws: `Draws`.
        optimizer: Function from parameters to an optimiser.
        half: Whether to compute in bfloat16 where PyTorch's autocast does.
    """

    def __init__(self, generator, critic, plan, draws, optimizer, half=False):
        self.generator, self.critic, self.plan, self.draws = generator, critic, plan, draws
        self.optimizers = optimizer(generator.parameters()), optimizer(critic.parameters())
        self.half = half

    def __call__(self, batch):
        """Make one step on a dict of tensors that hold all critic batches."""
        parts = [value.chunk(self.plan.critic_updates) for value in batch.values()]
        for values in zip(*parts, strict=True):
            part = dict(zip(batch, values, strict=True))
            self.descend(self.critic_loss, part, self.critic, self.optimizers[1])
        self.descend(self.generator_loss, part, self.generator, self.optimizers[0])

    def descend(self, loss_of, batch, network, optimizer):
        """Update one network."""
        with torch.autocast(batch["grid"].device.type, torch.bfloat16, enabled=self.half):
            loss = loss_of(batch)
        parameters = list(network.parameters())
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            # Fused Adam wants them to lie in memory alike.
            parameter.grad = None if gradient is None else gradient.contiguous()
        optimizer.step()

    def critic_loss(self, batch):
        """Return the Wasserstein loss with gradient penalty and the error in lengths."""
        real, label = batch["grid"], batch.get("label")
        with torch.no_grad():
            fake, _ = self.generator(self.draws.noise(len(real)), label)
        seen, features = self.critic(real, label)
        loss = self.critic(fake, label)[0].mean() - seen.mean()
        share = self.draws.shares(len(real), self.plan.ndim)
        between = torch.lerp(fake, real, share).requires_grad_(True)
        total = self.critic(between, label)[0].sum()
        (slopes,) = torch.autograd.grad(total, between, create_graph=True)
        norms = slopes.flatten(1).float().square().sum(1).add(1e-12).sqrt()
        loss = loss + self.plan.penalty_weight * (norms - 1).square().mean()
        lengths = self.critic.head(features).float()
        return loss + functional.binary_cross_entropy_with_logits(lengths, batch["lattice"])

    def generator_loss(self, batch):
        """Return the loss of as many generated grids as there are real ones."""
        label = batch.get("label")
        made, logits = self.generator(self.draws.noise(len(batch["grid"])), label)
        score, features = self.critic(made, label)
        reading = torch.sigmoid(self.critic.head(features).float())
        # PyTorch's own cross entropy has a gradient by its targets, too.
        error = functional.binary_cross_entropy_with_logits(logits.float(), reading)
        return self.plan.gamma * error - score.mean()
