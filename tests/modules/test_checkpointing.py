import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from hnseg.modules.checkpointing import AtomicCheckpointIO

WRITER = """
import sys, torch
from pathlib import Path
from hnseg.modules.checkpointing import AtomicCheckpointIO
big = {"number": int(sys.argv[2]), "weights": torch.zeros(20_000_000)}
print("ready", flush=True)
AtomicCheckpointIO().save_checkpoint(big, Path(sys.argv[1]))
"""


def test_a_checkpoint_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"number": 0}, path)
    for delay in (0.0, 0.02, 0.05):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), "1"], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        assert torch.load(path, weights_only=True)["number"] in (0, 1)


def test_a_failed_write_leaves_the_old_checkpoint_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"number": 0}, path)

    def torn(content: object, file: Path) -> None:
        Path(file).write_bytes(b"half")
        raise RuntimeError("torn")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(RuntimeError, match="torn"):
        AtomicCheckpointIO().save_checkpoint({"number": 1}, path)
    assert torch.load(path, weights_only=True)["number"] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]
