"""The channels that show clicks to a network: drawn in training, encoded in training and prediction alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hnseg.clicks.draw import draw_some
from hnseg.clicks.encode import ENCODINGS, Encoding, nearest_voxels
from hnseg.clicks.simulate import SpacingMm, centre_clicks, random_clicks, robot_click
from hnseg.types import Clicks

OWN = "hnseg.clicks"
_RULES = ("centre", "random", "robot")


@dataclass(frozen=True)
class ClickChannels:
    """Channel i has the clicks on structure i + 1; behind them, with ``negatives``, one channel of negative clicks.

    Args:
        encoding: how a click looks, see :mod:`hnseg.clicks.encode`.
        structures: how many structures can be clicked.
        negatives: 1 where a click can also say that there is nothing, else 0.
        channels: ``structures + negatives``, said again because the network is as wide.
        spatial_dims: of the network. One of 2 sees a volume slice by slice, and a click in its own slice only.
        simulate: where training's clicks are: ``centre`` of mass of a component, a ``random`` voxel of it, or
            ``robot``: random ones first, and then :meth:`correct`.
        most: training draws 0 to so many clicks; None: one in every component of every structure, always, as Rainio et
            al. 2024 do.

    Raises:
        ValueError: any of these is impossible.
    """

    encoding: Encoding
    structures: int
    negatives: int
    channels: int
    spatial_dims: int
    simulate: Literal["centre", "random", "robot"]
    most: int | None

    def __post_init__(self) -> None:
        if self.structures < 1 or self.negatives not in (0, 1):
            raise ValueError(
                f"clicks: structures={self.structures} and negatives={self.negatives}; give one structure or more, "
                f"and negatives 0 or 1"
            )
        if self.channels != self.structures + self.negatives:
            raise ValueError(
                f"clicks: channels={self.channels}, but {self.structures} structures and {self.negatives} negative "
                f"make {self.structures + self.negatives}; set channels to that"
            )
        if self.spatial_dims not in (2, 3):
            raise ValueError(f"clicks: spatial_dims={self.spatial_dims}; give 2 or 3, as the network has")
        if self.simulate not in _RULES:
            raise ValueError(f"clicks: simulate={self.simulate!r} is unknown; use one of {', '.join(_RULES)}")
        if self.most is not None and self.most < 1:
            raise ValueError(f"clicks: most={self.most}; give 1 or more, null for the paper's rule, or clicks=none")
        if type(self.encoding) not in ENCODINGS.values():
            raise ValueError(f"clicks: encoding is {self.encoding!r}; use one of {', '.join(ENCODINGS)}")

    def draw(
        self,
        label: NDArray[Any] | Tensor,
        rng: np.random.Generator,
        image: NDArray[Any] | Tensor | None = None,
        *,
        spacing_mm: SpacingMm,
    ) -> Clicks:
        """Simulated clicks on one sample; a function of its arguments alone.

        Args:
            label: (*s) uint8 label map, on the CPU. With one axis more than the network has, each slice is drawn
                by itself.
            rng: all randomness.
            image: (C, *s), the modalities without click channels: where negative clicks find heat. See
                :func:`hnseg.clicks.draw.draw_some`.
            spacing_mm: of the label's axes.

        Returns:
            Clicks (n, axes of the label).
        """
        values, heat = np.asarray(label), None if image is None else np.asarray(image)
        assert values.ndim == len(spacing_mm), f"label {values.shape}, spacing {spacing_mm}"
        assert heat is None or heat.shape[1:] == values.shape, f"image and label {values.shape}"
        assert values.max(initial=0) <= self.structures, f"label {values.max()} of {self.structures} structures"
        if values.ndim == self.spatial_dims:
            return self._draw(values, heat, spacing_mm, rng)
        assert values.ndim == self.spatial_dims + 1, f"label {values.shape} for {self.spatial_dims}-D clicks"
        drawn = [
            self._draw(part, None if heat is None else heat[:, z], spacing_mm[1:], rng) for z, part in enumerate(values)
        ]
        planes = [np.insert(clicks.index, 0, z, axis=1) for z, clicks in enumerate(drawn)]
        return Clicks(np.concatenate(planes), np.concatenate([clicks.values for clicks in drawn]), spacing_mm)

    def _draw(
        self, label: NDArray[Any], image: NDArray[Any] | None, spacing_mm: SpacingMm, rng: np.random.Generator
    ) -> Clicks:
        centre = self.simulate == "centre"
        if self.most is not None:
            return draw_some(label, image, spacing_mm, self.most, centre, bool(self.negatives), rng)
        return centre_clicks(label, spacing_mm) if centre else random_clicks(label, spacing_mm, rng)

    def encode(self, clicks: Clicks, shape: tuple[int, ...]) -> Tensor:
        """The channels (channels, *shape), float32, on the CPU.

        Args:
            clicks: as many axes as ``shape``, each in a voxel of it.
            shape: of the image; with one axis more than the network has, a click is seen in its own slice only.

        Raises:
            ValueError: a negative click where the network knows none, or a structure that it does not have.
        """
        self._check_values(clicks)
        assert len(shape) - self.spatial_dims in (0, 3 - self.spatial_dims), f"{shape} for {self.spatial_dims}-D clicks"
        channels = np.zeros((self.channels, *shape), np.float32)
        voxels = nearest_voxels(clicks.index, tuple(shape))
        for number in range(self.channels):
            own = voxels[clicks.values == (number + 1 if number < self.structures else 0)]
            if len(shape) == self.spatial_dims:
                if len(own):
                    channels[number] = self.encoding(own, tuple(shape), clicks.spacing_mm)
                continue
            for z in np.unique(own[:, 0]):
                of_slice = own[own[:, 0] == z, 1:]
                channels[number, z] = self.encoding(of_slice, tuple(shape[1:]), clicks.spacing_mm[1:])
        return torch.from_numpy(channels)

    def correct(
        self, channels: Tensor, prediction: Tensor, target: Tensor, spacing_mm: Tensor | Sequence[float]
    ) -> Tensor:
        """The channels with one click more for each sample: a robot user's, on the largest error.

        Where no negative click can be made the robot looks at errors on structures of the target alone. A sample
        without such an error is left as it is. See :func:`hnseg.clicks.simulate.robot_click`.

        Args:
            channels: (B, channels, *s), on any device; it is not changed.
            prediction: (B, *s) uint8 label maps; structures that nobody outlined must be background in them.
            target: (B, *s) uint8 label maps.
            spacing_mm: (B, axes), or (axes,) for all.
        """
        assert channels.shape == (len(target), self.channels, *target.shape[1:]), f"{tuple(channels.shape)}"
        predicted, wanted = prediction.detach().cpu().numpy(), target.detach().cpu().numpy()
        spacings = np.asarray(torch.as_tensor(spacing_mm).cpu(), float)
        spacings = np.broadcast_to(spacings, (len(wanted), wanted.ndim - 1))
        corrected = channels.clone()
        for sample, before, truth, own_mm in zip(corrected, predicted, wanted, spacings, strict=True):
            click = robot_click(before, truth, tuple(float(mm) for mm in own_mm), bool(self.negatives))
            if len(click):
                torch.maximum(sample, self.encode(click, truth.shape).to(sample), out=sample)
        return corrected

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for a checkpoint and for YAML; :func:`hnseg.clicks.plain.from_dict` takes it back."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        encoding = {
            "_target_": f"{OWN}.{type(self.encoding).__name__}",
            **dataclasses.asdict(self.encoding),  # type: ignore[call-overload]
        }
        return {"_target_": f"{OWN}.{type(self).__name__}", **plain, "encoding": encoding}

    def _check_values(self, clicks: Clicks) -> None:
        if not self.negatives and (clicks.values == 0).any():
            raise ValueError("a negative click was given to a network that was trained without; leave it out")
        if clicks.values.max(initial=0) > self.structures:
            raise ValueError(
                f"a click on structure {clicks.values.max()} was given to a network of {self.structures}; leave it out"
            )
