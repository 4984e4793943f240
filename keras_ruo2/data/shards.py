"""The only code that opens TFRecord files."""

from pathlib import Path

import tensorflow as tf

from keras_ruo2.data.description import checksum


def write_shards(folder, split, num_shards, samples, schema):
    """Write the records of one split, the structures dealt out to its shards in turn.

    Args:
        folder: Existing folder.
        split: Name of the split, the beginning of the file names.
        num_shards: Number of files.
        samples: Iterable of lists of samples, a list for each structure.
        schema: `Schema` that encodes them.

    Returns:
        A dict for each shard: `name`, `split`, `count`, `sha256`.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    names = [f"{split}-{k:05d}-of-{num_shards:05d}.tfrecord" for k in range(num_shards)]
    counts = [0] * num_shards
    writers = [tf.io.TFRecordWriter(str(Path(folder) / name)) for name in names]
    try:
        for number, structure in enumerate(samples):
            shard = number % num_shards
            for sample in structure:
                writers[shard].write(schema.encode(sample))
            counts[shard] += len(structure)
        for writer in writers:
            writer.close()
    except tf.errors.OpError as error:
        raise OSError(f"cannot write records into {folder}: {error.message}") from None
    return [
        {"name": name, "split": split, "count": count, "sha256": checksum(Path(folder) / name)}
        for name, count in zip(names, counts, strict=True)
    ]


def read_shards(files):
    """Return a `tf.data.Dataset` of serialised records, the files interleaved."""
    return tf.data.Dataset.from_tensor_slices(files).interleave(
        tf.data.TFRecordDataset, cycle_length=len(files)
    )
