"""Networks that deep features are taken from in tests, and images for them."""

import numpy as np
import torch
from torch import nn

from hnseg.prepare import Case, write_case
from hnseg.types import BoxMm


def noise(*shape, seed=0):
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed)) * 50


def maps_of(network, path, image):
    """(K, *m): what a layer gives when nothing but torch is asked."""
    seen = []
    handle = network.get_submodule(path).register_forward_hook(lambda *given: seen.append(given[2]))
    with torch.no_grad():
        network(image[None])
    handle.remove()
    return seen[0][0].double()


class Pointwise(nn.Module):
    """A layer that looks at one voxel, and a pool whose windows do not fit the image."""

    divisor = 1

    def __init__(self):
        super().__init__()
        self.same, self.pool, self.head = nn.Identity(), nn.AvgPool3d(5, ceil_mode=False), nn.Conv3d(2, 1, 1)

    def forward(self, image):
        return self.head(self.same(image)) + 0 * self.pool(image).mean()


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.twice, self.never, self.both, self.blind = nn.Conv3d(2, 2, 1), nn.Identity(), Both(), Blind()

    def forward(self, image):
        self.both(image)
        self.blind(image)
        return self.twice(self.twice(image))


class Both(nn.Module):
    def forward(self, image):
        return [image, image]


class Blind(nn.Module):
    def forward(self, image):
        return image.mean((2, 3, 4))


def case_of(folder, images, grid, **changes):
    facts = {"centre": "", "part": "train", "modalities": ("ct", "pt"), "label_names": ("GTVt",)}
    facts |= {"annotated": (True,), "grid": grid, "image_grid": grid, "box": BoxMm((0, 0, 0), (1, 1, 1))}
    facts |= {"phantom": False, "notes": (), "sources": {}, "key": str(changes), **changes}
    case = Case(folder=folder, case_id="A-1", **facts)
    folder.mkdir()
    label = np.zeros(grid.shape_zyx, np.uint8)
    write_case(folder, case, {name: images[name] for name in case.modalities}, label, label)
    return Case.open(folder)
