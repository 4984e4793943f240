import google_crc32c
import numpy as np
import pytest

from keras_ruo2.data.tfrecord import framed, masked_checksum, payload_at, record_spans


def test_the_checksum_is_the_published_one():
    # RFC 3720, appendix B.4: CRC-32C of 32 zero bytes, which lies as aa 36 91 8a in the file
    assert google_crc32c.value(bytes(32)) == 0x8A9136AA
    rotated = (0x8A9136AA >> 15) | (0x8A9136AA << 17 & 0xFFFFFFFF)
    assert masked_checksum(bytes(32)) == (rotated + 0xA282EAD8) % 2**32


def test_framed_records_are_found_again():
    payloads = [b"one", b"", b"three" * 1000]
    content = np.frombuffer(b"".join(map(framed, payloads)), np.uint8)
    assert [payload_at(content, *span) for span in record_spans(content)] == payloads
    assert record_spans(b"") == []


@pytest.mark.parametrize("missing", [1, 5, 13, 17])
def test_a_record_that_is_cut_off_is_told(missing):
    content = (framed(b"whole") + framed(b"torn"))[:-missing]
    with pytest.raises(ValueError, match="the record at byte 21 is cut off"):
        record_spans(content)


def test_a_changed_byte_is_told():
    whole = framed(b"precious")
    for place, message in ((0, "length at byte 0"), (9, "length at byte 0")):
        with pytest.raises(ValueError, match=message):
            record_spans(changed(whole, place))
    for place in (12, 19, 20, 23):
        with pytest.raises(ValueError, match="record at byte 12 fails its checksum"):
            payload_at(changed(whole, place), 12, 8)


def changed(content, place):
    result = bytearray(content)
    result[place] ^= 1
    return bytes(result)


def test_tensorflow_reads_and_writes_the_same_files(tmp_path):
    tf = pytest.importorskip("tensorflow")
    payloads = [b"one", b"", b"three" * 1000]
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(b"".join(map(framed, payloads)))
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for payload in payloads:
            writer.write(payload)
    assert ours.read_bytes() == theirs.read_bytes()
    read = [record.numpy() for record in tf.data.TFRecordDataset(str(ours))]
    assert read == payloads
