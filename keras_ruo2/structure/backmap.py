"""`backmap` under the name that other people's scripts import; it lives in `density`."""

from keras_ruo2.density.backmap import BackmapFailure as BackmapFailure
from keras_ruo2.density.backmap import backmap as backmap
