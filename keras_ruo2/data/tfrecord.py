"""The framing of TFRecord files: length, checksum of the length, payload, checksum of the payload.

Numbers are little-endian; checksums are CRC-32C, masked as TensorFlow masks them.
"""

import struct

import google_crc32c

HEADER = struct.Struct("<QI")  # length of the payload and the masked checksum of these 8 bytes
FOOTER = struct.Struct("<I")  # masked checksum of the payload
MASK = 0xA282EAD8


def masked_checksum(content):
    """Return the CRC-32C of bytes, rotated right by 15 bits and shifted by a constant."""
    plain = google_crc32c.value(content)
    return ((plain >> 15 | plain << 17) + MASK) & 0xFFFFFFFF


def framed(payload):
    """Return a record as it lies in a TFRecord file."""
    length = struct.pack("<Q", len(payload))
    header = length + FOOTER.pack(masked_checksum(length))
    return b"".join((header, payload, FOOTER.pack(masked_checksum(payload))))


def record_spans(content):
    """Find the records of a file by their lengths; the payloads are not read.

    Args:
        content: The whole file, anything with the buffer interface.

    Returns:
        List of `(start, length)`, where each payload lies.

    Raises:
        ValueError: If a length fails its checksum or reaches beyond the end.
    """
    spans, place, end = [], 0, len(content)
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


def payload_at(content, start, length):
    """Return the payload at a span that `record_spans` found.

    Raises:
        ValueError: If it fails its checksum.
    """
    payload = bytes(content[start : start + length])
    if masked_checksum(payload) != FOOTER.unpack_from(content, start + length)[0]:
        raise ValueError(f"the record at byte {start} fails its checksum")
    return payload
