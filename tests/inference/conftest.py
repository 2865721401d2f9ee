"""Networks whose answers are known, and checkpoints that hold them."""

import numpy as np
import pytest
import torch

import hnseg.models
from hnseg.clicks import ClickChannels, DiskEncoding
from hnseg.inference.checkpoint import checkpoint_entry, load_checkpoint
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.prepare.recipe import Recipe


def _describe(**changes):
    """The description of a tiny SE-Norm U-Net of one PET/CT structure."""
    parts = {
        "net": {"_target_": "hnseg.models.SENormUNet", "in_channels": 2, "out_channels": 1, "filters": 2},
        "labels": LabelSet(("GTVt",)),
        "recipe": Recipe(regions=("published", "image"), box_size_mm=(32, 32, 32)),
        "normalization": Normalization(("ct", "pt")),
        "inference": InferenceSettings((32, 32, 32)),
        "config": {"seed": 1},
    }
    return checkpoint_entry(**{**parts, **changes})


def _network_of(described, seed=0):
    torch.manual_seed(seed)
    arguments = dict(described["net"])
    return getattr(hnseg.models, arguments.pop("_target_").rpartition(".")[2])(**arguments)


@pytest.fixture
def describe():
    return _describe


@pytest.fixture
def write_checkpoint(tmp_path):
    """Writes a checkpoint as training does: Lightning's keys, the description, weights below ``net.``."""

    def write(name="best.ckpt", seed=0, network=None, described=None, folder=tmp_path, **changes):
        described = described or _describe(**changes)
        network = network or _network_of(described, seed)
        state = {f"net.{key}": value for key, value in network.state_dict().items()} | {"loss.weight": torch.ones(1)}
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({"epoch": 3, "global_step": 12, "state_dict": state, "hnseg": described}, path)
        return path

    return write


@pytest.fixture
def checkpoint(write_checkpoint):
    def load(*args, trust=(), **changes):
        return load_checkpoint(write_checkpoint(*args, **changes), trust)

    return load


class PetAbove(torch.nn.Module):
    """Logits that are positive where the second channel, PET in SUV, is above ``suv``.

    They rise gently, so that the outline can be interpolated between voxels.
    """

    divisor = 1

    def __init__(self, suv: float = 2.0) -> None:
        super().__init__()
        self.register_buffer("suv", torch.tensor(suv))

    def forward(self, image):
        return (image[:, 1:2] - self.suv) * 2


@pytest.fixture
def pet_threshold(checkpoint):
    """A checkpoint whose network outlines what is above an SUV; it lives in a package that the test trusts."""

    def load(suv=2.0, **changes):
        parts = {
            "net": {"_target_": f"{__name__}.PetAbove", "suv": suv},
            "normalization": Normalization(("ct", "pt"), ct=Standardise(0, 1), pt=Standardise(0, 1)),
            "network": PetAbove(suv),
            "trust": (__name__,),
        }
        return checkpoint(**{**parts, **changes})

    return load


@pytest.fixture
def rotation():
    """A function: degrees about x, y, z to a (3, 3) rotation."""
    return _rotation


def _rotation(degrees_xyz):
    ax, ay, az = np.radians(degrees_xyz)
    about_x = np.array([[1, 0, 0], [0, np.cos(ax), -np.sin(ax)], [0, np.sin(ax), np.cos(ax)]])
    about_y = np.array([[np.cos(ay), 0, np.sin(ay)], [0, 1, 0], [-np.sin(ay), 0, np.cos(ay)]])
    about_z = np.array([[np.cos(az), -np.sin(az), 0], [np.sin(az), np.cos(az), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


class PetAboveOrClicked(PetAbove):
    """As `PetAbove`, but sure of a tumour where there is a positive click and of none where there is a negative one."""

    def forward(self, image):
        sure = 50 * (image[:, 2:3] - (image[:, 3:4] if image.shape[1] > 3 else 0))
        return super().forward(image) + sure


@pytest.fixture
def clickable(pet_threshold):
    """As `pet_threshold`, of a network that takes clicks as disks of 4 mm."""

    def load(suv=2.0, negatives=1, spatial_dims=3, **changes):
        clicks = ClickChannels(DiskEncoding(4.0), 1, negatives, 1 + negatives, spatial_dims, "random", 3)
        parts = {
            "net": {"_target_": f"{__name__}.PetAboveOrClicked", "suv": suv},
            "normalization": Normalization(("ct", "pt"), spatial_dims, ct=Standardise(0, 1), pt=Standardise(0, 1)),
            "network": PetAboveOrClicked(suv),
            "clicks": clicks,
        }
        return pet_threshold(suv, **{**parts, **changes})

    return load
