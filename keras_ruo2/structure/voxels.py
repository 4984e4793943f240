"""`voxelise` under the name that other people's scripts import; it lives in `density`."""

from keras_ruo2.density.voxelise import voxelise as voxelise
