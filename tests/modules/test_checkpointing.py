import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from hnseg.modules.checkpointing import AtomicCheckpointIO, BestPerStructure

WRITER = """
import sys, torch
from pathlib import Path
from types import SimpleNamespace
from hnseg.modules.checkpointing import AtomicCheckpointIO
big = {"number": int(sys.argv[2]), "weights": torch.zeros(20_000_000)}
print("ready", flush=True)
AtomicCheckpointIO().save_checkpoint(big, Path(sys.argv[1]))
"""


def test_a_checkpoint_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"number": 0}, path)
    for delay in (0.0, 0.03):
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


def test_the_best_epoch_of_each_structure_is_kept_and_nan_is_never_best(tmp_path: Path) -> None:
    saved: list[str] = []
    best = BestPerStructure(tmp_path, ("a", "b"))

    def validated(a: float, b: float) -> None:
        metrics = {"val/dice": torch.tensor(0.1), "val/dice_a": torch.tensor(a), "val/dice_b": torch.tensor(b)}
        trainer = SimpleNamespace(
            sanity_checking=False,
            state=SimpleNamespace(fn="fit"),
            callback_metrics=metrics,
            save_checkpoint=lambda path: saved.append(path.name),
        )
        best.on_validation_end(trainer, None)

    validated(0.5, math.nan)
    validated(0.4, 0.2)
    again = BestPerStructure(tmp_path, ("a", "b"))
    again.load_state_dict(best.state_dict())
    best = again
    validated(0.6, 0.2)
    assert saved == ["best-a.ckpt", "best-b.ckpt", "best-a.ckpt"]
