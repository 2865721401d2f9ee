"""PET studies as those of Rainio et al. 2024 at Turku PET Centre: one PET and one mask volume a patient."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hnseg.data.base import CaseDataModule
from hnseg.data.roots import find_root
from hnseg.phantom import write_turku
from hnseg.prepare import Case, Findings, turku


class TurkuDataModule(CaseDataModule):
    """PET alone, outlined slice by slice: own folders through a CSV, or those of the paper with their irregular names.

    Validation and scores are of the slices that the view goes to, and a patient who has none of them is left out, as
    11 of the paper's 100 patients were (section 2.2); with ``view.keep_empty`` nobody is.

    Args:
        csv: a table with the columns case, pet and mask, a row a patient; for any file names.
        root: the folder of the patients' folders, where there is no table; see :func:`hnseg.data.roots.find_root`.
        data_dir: where data sets lie by default.
        phantom: settings of :func:`hnseg.phantom.write_turku`, to have a phantom written to ``root``.
    """

    slices_scored = True

    def __init__(
        self,
        *,
        csv: str | None = None,
        root: str | None = None,
        data_dir: str | Path = "data",
        phantom: Mapping[str, Any] | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.csv, self.root, self.data_dir, self.phantom = csv, root, Path(data_dir), phantom

    def find_studies(self, progress: bool = True) -> Findings:
        (name,) = self.labels.names
        if self.csv:
            return turku.from_csv(Path(self.csv).expanduser(), name)
        if self.phantom is None:
            return turku.find_studies(find_root(self.name, self.root, self.data_dir), name)
        root = Path(self.root) if self.root else self.data_dir / self.name
        write_turku(root, workers=self.prepare_workers, progress=progress, **self.phantom)
        return turku.find_studies(root, name)

    def patients(self) -> list[Case]:
        return [case for case in super().patients() if case.label is None or self.view.visits(case)]
