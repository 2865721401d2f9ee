"""How a trained network is applied: the part of a checkpoint that says one pass or windows, and which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from hnseg.inference.windows import Weighting

Mode = Literal["auto", "whole", "sliding_window"]
MODES = ("auto", "whole", "sliding_window")
Tta = Literal["none", "mirror"]


@dataclass(frozen=True)
class InferenceSettings:
    """How a network sees a whole image when it predicts.

    Attributes:
        mode: ``whole``: one pass; ``sliding_window``: overlapping windows; ``auto``: one pass over a search region of
            the recipe's box size (or less), windows over anything larger, such as a whole-body scan.
        window_zyx: size of a window in voxels; a 2-D network takes its y and x. None, as of a network that was trained
            on whole images: always one pass.
        overlap: part of a window that it shares with the next one.
        weighting: how overlapping windows are averaged.
        view: how the network saw cases in training (``patches``, ``volumes``, ``slices``), for the reader.
        tta: ``mirror`` averages over mirror images, up to 8 passes a window; ``none`` is one pass. Checkpoints from
            before it was a setting have none of it, which is ``none``.
    """

    window_zyx: tuple[int, int, int] | None
    mode: Mode = "auto"
    overlap: float = 0.5
    weighting: Weighting = "gaussian"
    view: str = "patches"
    tta: Tta = "none"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"inference: mode {self.mode!r} is not known; use one of {list(MODES)}")
        if self.window_zyx is not None:
            object.__setattr__(self, "window_zyx", _three_positive(self.window_zyx))
        elif self.mode == "sliding_window":
            raise ValueError(
                "inference: mode sliding_window needs a window_zyx, and this network has none: it was trained on whole "
                "images; use mode=auto or mode=whole"
            )
        if not 0 <= self.overlap < 1:
            raise ValueError(f"inference: overlap {self.overlap} is not in [0, 1)")
        if self.weighting not in ("gaussian", "constant"):
            raise ValueError(f"inference: weighting {self.weighting!r} is not known; use gaussian or constant")
        if self.tta not in ("none", "mirror"):
            raise ValueError(f"inference: tta {self.tta!r} is not known; use none or mirror")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {**asdict(self), "window_zyx": None if self.window_zyx is None else list(self.window_zyx)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> InferenceSettings:
        """The settings that `to_dict` wrote.

        Raises:
            ValueError: a key is unknown or window_zyx is missing.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(plain) - known)
        if unknown or "window_zyx" not in plain:
            raise ValueError(f"inference: needs window_zyx and knows {sorted(known)}; got {sorted(plain)}")
        return cls(**plain)


def _three_positive(widths: Iterable[int]) -> tuple[int, int, int]:
    whole = [int(width) for width in widths]
    if len(whole) != 3 or min(whole) < 1:
        raise ValueError(f"inference: window_zyx must be three positive numbers; got {whole}")
    return whole[0], whole[1], whole[2]
