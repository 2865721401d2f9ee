"""Dice a case during training: slices and patches of one patient add up before a ratio is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from hnseg.labels import where_counting


class CaseDice(Metric):
    """Dice of each structure, a case at a time, then averaged over cases and over structures.

    Voxels of all parts of a case (slices, patches, or the whole volume) are added before the division, so a patient
    counts once however it was cut. Structures that nobody annotated in a case are left out; a structure absent from
    both masks scores 1. The list of cases is fixed, so the states are plain sums and processes add theirs.

    A distributed sampler repeats cases to fill its last round. A process skips a part that it has already seen; what
    several processes have seen is averaged over them.

    Args:
        case_ids: every case that may be seen, each once.
        label_names: structures in label-map order: value ``i`` is ``label_names[i - 1]``.
        max_parts: most parts (slices) that a case may have; 1 where cases are scored whole.

    Raises:
        ValueError: case ids repeat, or an update names a case or part that is not on the list.
    """

    full_state_update = False
    higher_is_better = True
    sums: Tensor
    seen: Tensor

    def __init__(self, case_ids: Sequence[str], label_names: Sequence[str], max_parts: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if len(set(case_ids)) != len(case_ids):
            raise ValueError("CaseDice needs every case id once; some are repeated")
        self.case_ids, self.label_names = tuple(case_ids), tuple(label_names)
        self._index = {case_id: index for index, case_id in enumerate(self.case_ids)}
        shape = len(self.case_ids), max_parts
        # intersection, |prediction| + |truth| and whether annotated, of every structure in every part of every case
        self.add_state("sums", torch.zeros(*shape, len(self.label_names), 3, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("seen", torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self,
        case_ids: Sequence[str],
        prediction: Tensor,
        target: Tensor,
        annotated: Tensor,
        parts: Sequence[int] | None = None,
    ) -> None:
        """Add a batch.

        Args:
            case_ids: B names.
            prediction, target: (B, *spatial) label maps.
            annotated: (B, len(label_names)) bool.
            parts: B numbers below ``max_parts``: which slice or patch of its case each is; 0 where not given.
        """
        for number, case_id in enumerate(case_ids):
            case, part = self._position(case_id, 0 if parts is None else int(parts[number]))
            if self.seen[case, part]:
                continue  # this process already has it
            self.seen[case, part] = 1
            self.sums[case, part] = self._counts(prediction[number], target[number], annotated[number])

    def _position(self, case_id: str, part: int) -> tuple[int, int]:
        if case_id not in self._index:
            raise ValueError(f"case {case_id!r} is not among the {len(self.case_ids)} cases that CaseDice was made for")
        if not 0 <= part < self.seen.shape[1]:
            raise ValueError(
                f"part {part} of case {case_id!r} is outside 0 to {self.seen.shape[1] - 1}; raise max_parts"
            )
        return self._index[case_id], part

    def _counts(self, prediction: Tensor, target: Tensor, annotated: Tensor) -> Tensor:
        """(structures, 3) of one part: intersection, both sizes together, 1; all 0 where not annotated."""
        bins = len(self.label_names) + 1
        shared, predicted, true = (
            torch.bincount(labels.flatten().long(), minlength=bins)[1:bins]
            for labels in (target[prediction == target], prediction, target)
        )
        counts = torch.stack([shared, predicted + true, torch.ones_like(shared)], dim=1)
        return where_counting(counts, annotated).to(self.sums.device)

    def _case_dice(self) -> Tensor:
        """(cases, structures) float32; nan where a case was not seen or a structure not annotated."""
        once = self.sums.float() / self.seen.clamp(min=1)[..., None, None]
        shared, sizes, annotated = once.sum(dim=1).unbind(dim=-1)
        scores = torch.where(sizes > 0, 2 * shared / sizes, 1.0)
        return where_counting(scores, annotated > 0, torch.nan)

    def compute(self) -> dict[str, Tensor]:
        """Mean over cases of each structure, and ``mean`` over the structures; nan where nothing was annotated."""
        by_structure = self._case_dice().nanmean(dim=0)
        scores = dict(zip(self.label_names, by_structure, strict=True))
        return {**scores, "mean": by_structure.nanmean()}

    def per_case(self) -> dict[str, dict[str, float]]:
        """Every case seen: structure to Dice; structures that were not annotated are left out.

        In a distributed run it holds what this process saw, unless called within ``sync_context``.
        """
        scores = self._case_dice().cpu()
        return {
            case_id: {
                name: float(value) for name, value in zip(self.label_names, row, strict=True) if not torch.isnan(value)
            }
            for case_id, row, seen in zip(self.case_ids, scores, self.seen.any(dim=1), strict=True)
            if seen
        }
