"""The configuration of each command."""

from keras_ruo2.config.backmap import BackmapConfig
from keras_ruo2.config.base import Config
from keras_ruo2.config.discover import DiscoverConfig
from keras_ruo2.config.doctor import DoctorConfig
from keras_ruo2.config.evaluate import EvaluateConfig
from keras_ruo2.config.gallery import GalleryConfig
from keras_ruo2.config.generate import GenerateConfig, VariantsConfig
from keras_ruo2.config.phase_diagram import PhaseDiagramConfig
from keras_ruo2.config.relax import RelaxConfig
from keras_ruo2.config.screen import ScreenConfig
from keras_ruo2.config.train import CompleteTrainConfig, TrainConfig

__all__ = [
    "BackmapConfig",
    "CompleteTrainConfig",
    "Config",
    "DiscoverConfig",
    "DoctorConfig",
    "EvaluateConfig",
    "GalleryConfig",
    "GenerateConfig",
    "PhaseDiagramConfig",
    "RelaxConfig",
    "ScreenConfig",
    "TrainConfig",
    "VariantsConfig",
]
