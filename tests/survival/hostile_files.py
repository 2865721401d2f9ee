"""Files that pose as those of a saved model."""

import io
import resource
import struct
import zipfile

import numpy as np
import pytest

from hnseg.survival.plain_state import read_state


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code was run')",))


def npy(array, header=None, pickled=False):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=pickled)
    content = file.getvalue()
    if header is None:
        return content
    text = header.ljust(118 - 1) + "\n"
    return (
        content[:8]
        + struct.pack("<H", len(text))
        + text.encode()
        + content[10 + struct.unpack("<H", content[8:10])[0] :]
    )


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)


def refuse(folder, sentence):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=sentence):
        read_state(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB
