"""Checkpoints of tiny networks, prepared cases, and the folders that training leaves, all made in milliseconds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hnseg.inference.checkpoint import checkpoint_entry, load_checkpoint
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.models import UNet
from hnseg.prepare import Case, write_case
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import Recipe
from hnseg.survival.objects import Fold
from hnseg.types import BoxMm, Grid

SIZE = 16
RECIPE = Recipe(regions=("published", "image"), box_size_mm=(SIZE,) * 3)
NET = {"_target_": "hnseg.models.UNet", "in_channels": 2, "out_channels": 1, "filters": 2}


def write_checkpoint(path: Path, seed: int = 0, **changes: object) -> Path:
    """As training does: Lightning's keys, the description, weights below ``net.``."""
    parts = {
        "net": NET,
        "labels": LabelSet(("GTVt",)),
        "recipe": RECIPE,
        "normalization": Normalization(("ct", "pt")),
        "inference": InferenceSettings((SIZE,) * 3),
        "config": {"seed": seed},
    }
    torch.manual_seed(seed)
    state = {f"net.{name}": weight for name, weight in UNet(2, 1, filters=2).state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"epoch": 1, "state_dict": state, "hnseg": checkpoint_entry(**{**parts, **changes})}, path)
    return path


def checkpoint(path: Path, seed: int = 0, **changes: object):
    return load_checkpoint(write_checkpoint(path, seed, **changes))


def write_prepared(
    folder: Path, case_id: str, seed: int = 0, label: np.ndarray | None = None, **changes: object
) -> Case:
    """A case of noise; the label map is the only thing that ``label`` changes."""
    rng, shape = np.random.default_rng(seed), (SIZE,) * 3
    images = {"ct": rng.normal(0, 100, shape).astype(np.int16), "pt": rng.random(shape).astype(np.float32)}
    label = np.ones(shape, np.uint8) if label is None else label
    grid = Grid(shape, (1.0, 1.0, 1.0))
    facts = {
        "centre": "A",
        "part": "train",
        "modalities": ("ct", "pt"),
        "label_names": ("GTVt",),
        "annotated": (True,),
        "grid": grid,
        "image_grid": grid,
        "box": BoxMm((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        "phantom": False,
        "notes": (),
        "sources": {},
        "key": f"{case_id}-{seed}-{label.sum()}",
        **changes,
    }
    case = Case(folder=folder / case_id, case_id=case_id, **facts)
    case.folder.mkdir(parents=True, exist_ok=True)
    write_case(case.folder, case, {name: images[name] for name in case.modalities}, label, label)
    return Case.open(case.folder)


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@dataclass
class FakeCv:
    """The folder of a cross-validation: manifests, masks of no bytes, and networks, which are so unless ``seeds``."""

    folder: Path
    parts: dict[str, tuple[str, ...]]
    protocol: str = "inner"
    unfinished: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def patients(self) -> list[str]:
        return [patient for test in self.parts.values() for patient in test]

    def split_of(self, name: str) -> dict[str, object]:
        test = self.parts[name]
        rest = [patient for patient in self.patients if patient not in test]
        split = {"name": f"leave-out-{name}", "protocol": self.protocol, "test": list(test)}
        if self.protocol == "paper":
            return {**split, "train": rest, "val": list(test)}
        return {**split, "train": rest[1:], "val": rest[:1]}

    def write(self) -> Path:
        for number, (name, test) in enumerate(self.parts.items()):
            run, finished = self.folder / "folds" / name, name not in self.unfinished
            write_json(run / "manifest.json", {"task": "train", "finished": finished, "split": self.split_of(name)})
            weights = run / "checkpoints" / "best.ckpt"
            if self.seeds:
                write_checkpoint(weights, self.seeds[number])
            else:
                weights.parent.mkdir()
                weights.write_bytes(b"")
            for patient in test:
                for place in (self.folder, run):
                    (place / "predictions").mkdir(exist_ok=True)
                    (place / "predictions" / f"{patient}.nii.gz").write_bytes(b"")
        about = {"task": "cv", "finished": not self.unfinished, "folds": list(self.parts), "phantom": True}
        write_json(self.folder / "manifest.json", about)
        return self.folder


THREE = {"0": ("P1", "P2"), "1": ("P3", "P4"), "2": ("P5", "P6")}


def folds_of(parts: dict[str, tuple[str, ...]], cohort: Sequence[str] | None = None) -> list[Fold]:
    """Outer folds of some of the patients, in their order; None: of all."""
    cohort = [patient for test in parts.values() for patient in test] if cohort is None else cohort
    return [
        Fold(name, tuple(p for p in cohort if p not in test), tuple(p for p in cohort if p in test))
        for name, test in parts.items()
    ]
