"""The name by which other people's scripts import `ssim_matrix`."""

from keras_ruo2.metrics.ssim import ssim_matrix as ssim_matrix
