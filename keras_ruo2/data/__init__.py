"""Records on disk and the tf.data pipeline that reads them."""
