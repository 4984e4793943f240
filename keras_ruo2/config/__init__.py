"""The configuration of each command."""

from keras_ruo2.config.base import Config
from keras_ruo2.config.evaluate import EvaluateConfig
from keras_ruo2.config.generate import GenerateConfig, VariantsConfig
from keras_ruo2.config.train import TrainConfig

__all__ = ["Config", "EvaluateConfig", "GenerateConfig", "TrainConfig", "VariantsConfig"]
