"""TFRecord files: length, checksum of the length, payload, checksum of the payload; its messages.

Messages are built at run time so that TensorFlow need not be there. Field numbers and types are
those of its `tf.train.Example`: its parsers read what is written here, and the other way round.
Numbers are little-endian; checksums are CRC-32C, masked as TensorFlow masks them.
"""

from __future__ import annotations

import struct
from typing import Any

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

BytesLike = Any  # the buffer protocol; NumPy's arrays have no type for it before Python 3.12
HEADER = struct.Struct("<QI")  # length of the payload and the masked checksum of these 8 bytes
FOOTER = struct.Struct("<I")  # masked checksum of the payload
MASK = 0xA282EAD8
PACKAGE = "keras_ruo2"
BYTES, FLOAT, INT64, STRING, MESSAGE = (
    getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name}")
    for name in ("BYTES", "FLOAT", "INT64", "STRING", "MESSAGE")
)
LISTS = {
    "bytes": ("BytesList", BYTES),
    "float": ("FloatList", FLOAT),
    "int64": ("Int64List", INT64),
}


def masked_checksum(content: BytesLike) -> int:
    """Return the CRC-32C of bytes, rotated right by 15 bits and shifted by a constant."""
    plain = google_crc32c.value(content)
    return ((plain >> 15 | plain << 17) + MASK) & 0xFFFFFFFF


def framed(payload: bytes) -> bytes:
    """Return a record as it lies in a TFRecord file."""
    length = struct.pack("<Q", len(payload))
    header = length + FOOTER.pack(masked_checksum(length))
    return b"".join((header, payload, FOOTER.pack(masked_checksum(payload))))


def record_spans(content: BytesLike) -> list[tuple[int, int]]:
    """Find the records of a file by their lengths; the payloads are not read.

    Args:
        content: The whole file, anything with the buffer interface.

    Returns:
        List of `(start, length)`, where each payload lies.

    Raises:
        ValueError: If a length fails its checksum or reaches beyond the end.
    """
    spans: list[tuple[int, int]] = []
    place, end = 0, len(content)
    while place < end:
        start = place + HEADER.size
        if start > end:
            raise ValueError(f"the record at byte {place} is cut off")
        length, expected = HEADER.unpack_from(content, place)
        if masked_checksum(bytes(content[place : place + 8])) != expected:
            raise ValueError(f"the length at byte {place} fails its checksum")
        place = start + length + FOOTER.size
        if place > end:
            raise ValueError(f"the record at byte {start - HEADER.size} is cut off")
        spans.append((start, length))
    return spans


def payload_at(content: BytesLike, start: int, length: int) -> bytes:
    """Return the payload at a span that `record_spans` found.

    Raises:
        ValueError: If it fails its checksum.
    """
    payload = bytes(content[start : start + length])
    if masked_checksum(payload) != FOOTER.unpack_from(content, start + length)[0]:
        raise ValueError(f"the record at byte {start} fails its checksum")
    return payload


def build_file() -> Any:
    """Return the description of the messages, as protobuf takes it."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{PACKAGE}/example.proto", package=PACKAGE, syntax="proto3"
    )
    for name, kind in LISTS.values():
        add_field(file.message_type.add(name=name), "value", 1, kind, repeated=True)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (kind, (name, _)) in enumerate(LISTS.items(), start=1):
        add_field(feature, f"{kind}_list", number, name).oneof_index = 0
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")  # a map is a list of such pairs
    entry.options.map_entry = True
    add_field(entry, "key", 1, STRING)
    add_field(entry, "value", 2, "Feature")
    add_field(features, "feature", 1, "Features.FeatureEntry", repeated=True)
    add_field(file.message_type.add(name="Example"), "features", 1, "Features")
    return file


def add_field(message: Any, name: str, number: int, kind: Any, repeated: bool = False) -> Any:
    """Add a field to a message and return it; `kind` is a scalar type or the name of a message."""
    labels = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=number)
    field.label = labels.LABEL_REPEATED if repeated else labels.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type, field.type_name = MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = kind
    return field


POOL = descriptor_pool.DescriptorPool()
POOL.Add(build_file())
Example = message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.Example"))
