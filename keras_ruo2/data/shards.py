"""Write records into TFRecord files."""

from contextlib import ExitStack
from pathlib import Path

from keras_ruo2.data.description import checksum
from keras_ruo2.data.tfrecord import frame


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
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(open(Path(folder) / name, "wb")) for name in names]
            for number, structure in enumerate(samples):
                shard = number % num_shards
                for sample in structure:
                    files[shard].write(frame(schema.encode(sample)))
                counts[shard] += len(structure)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"cannot write records into {folder}: {reason}") from None
    return [
        {"name": name, "split": split, "count": count, "sha256": checksum(Path(folder) / name)}
        for name, count in zip(names, counts, strict=True)
    ]
