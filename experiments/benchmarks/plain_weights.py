"""Weights of our networks of Kim et al. in the places and the layout of the plain PyTorch ones."""

import numpy as np


def weights_of(network, ndim):
    """Return the trainable weights of a Keras network, as PyTorch lays them out, by name.

    Args:
        network: Generator or critic of the architecture `kim`, labelled or not.
        ndim: Dimensions of its grids.
    """
    by_kind = {}
    for layer in network.layers:
        if layer.trainable_weights:
            by_kind.setdefault(kind_of(layer), []).append(layer)
    found = {}
    for layer in by_kind.get("Embedding", ()):
        found["embedding.weight"] = layer.embeddings
    convolutions = [layer for kind, layers in by_kind.items() if "Conv" in kind for layer in layers]
    for number, layer in enumerate(convolutions):
        kernel = np.asarray(array(layer.kernel))
        found[f"convolutions.{number}.weight"] = kernel.transpose(ndim + 1, ndim, *range(ndim))
        if layer.use_bias:
            found[f"convolutions.{number}.bias"] = layer.bias
    *before, hidden = by_kind["Dense"]
    features = map_shape(network, ndim, hidden.kernel.shape[0])
    found["head.hidden.weight"] = from_map(hidden.kernel, features)
    found |= norms_of(by_kind, hidden, ndim)
    (lengths,) = by_kind["lattice"]
    found |= {"head.out.weight": array(lengths.kernel).T, "head.out.bias": lengths.bias}
    if "score" in by_kind:
        (score,) = by_kind["score"]
        found["score.weight"] = from_map(score.kernel, features)
        found["score.bias"] = score.bias
        for layer in before:
            found |= {"channel.weight": array(layer.kernel).T, "channel.bias": layer.bias}
    else:
        kernel = array(before[0].kernel)
        kernel = np.moveaxis(kernel.reshape(-1, *features), -1, 1)
        found["dense.weight"] = kernel.reshape(len(kernel), -1).T
    return {name: np.ascontiguousarray(array(value)) for name, value in found.items()}


def kind_of(layer):
    """Return the name of a layer that has one here, else its class's."""
    return layer.name if layer.name in ("lattice", "score") else type(layer).__name__


def map_shape(network, ndim, size):
    """Return the shape of the feature map that has `size` numbers, channels last."""
    for layer in network.layers:
        shape = getattr(layer.output, "shape", ())[1:]
        if len(shape) == ndim + 1 and np.prod(shape) == size and shape[-1] > 3:
            return shape
    raise ValueError(f"No feature map has {size} numbers.")


def norms_of(by_kind, hidden, ndim):
    """Return the scales and offsets of all normalisations."""
    found, number = {}, 0
    for layer in by_kind["BatchNormalization"]:
        if layer.input is hidden.output:
            place = "head.norm"
        else:
            place, number = f"norms.{number}", number + 1
        found |= {f"{place}.weight": layer.gamma, f"{place}.bias": layer.beta}
    for number, layer in enumerate(by_kind.get("LayerNorm", ()), start=1):
        for name, weight in (("weight", layer.gamma), ("bias", layer.beta)):
            found[f"norms.{number}.{name}"] = np.moveaxis(array(weight), -1, 0)
    return found


def from_map(kernel, features):
    """Return a dense layer's weights on a flattened feature map, channels first."""
    kernel = np.moveaxis(array(kernel).reshape(*features, -1), -2, 0)
    return kernel.reshape(-1, kernel.shape[-1]).T


def array(weight):
    """Return a weight or an array as NumPy's."""
    from keras import ops

    return weight if isinstance(weight, np.ndarray) else ops.convert_to_numpy(weight)
