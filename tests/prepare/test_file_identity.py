import gzip
import os

from hnseg.prepare.file_identity import file_identity


def test_change_in_the_middle_is_seen(tmp_path):
    packed, plain = tmp_path / "a.nii.gz", tmp_path / "a.nii"
    content = bytearray(os.urandom(400_000))
    packed.write_bytes(gzip.compress(bytes(content), mtime=0))
    plain.write_bytes(content)
    os.utime(plain, (1, 1))
    before = file_identity(packed), file_identity(plain)
    content[200_000] ^= 1
    packed.write_bytes(gzip.compress(bytes(content), mtime=0))
    plain.write_bytes(content)
    assert file_identity(packed) != before[0]
    assert file_identity(plain) != before[1]


def test_data_file_counts_with_its_header(tmp_path):
    header, data = tmp_path / "a.hdr", tmp_path / "a.img"
    header.write_bytes(b"h" * 348)
    data.write_bytes(b"1")
    before = file_identity(header)
    data.write_bytes(b"2")
    assert file_identity(header) != before
