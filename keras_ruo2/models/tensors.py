"""What type hints call the things of Keras, which has no types that a checker could read."""

from typing import Any

Tensor = Any  # of the running backend, or symbolic (`keras.KerasTensor`)
Network = Any  # a `keras.Model`, named where Keras is not imported
Shape = tuple[Any, ...]  # integers; `None` where the size of the batch is not known
