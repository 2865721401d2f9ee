"""HECKTOR PET/CT of 2020, 2021, 2022 and 2025, real or the phantom in the same layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from hnseg.data.base import CaseDataModule
from hnseg.data.roots import find_root
from hnseg.phantom import write_hecktor
from hnseg.prepare import Findings, hecktor

Year = Literal[2020, 2021, 2022, 2025]


class HecktorDataModule(CaseDataModule):
    """A HECKTOR folder as the organisers ship it.

    Args:
        year: whose layout the folder has.
        root: the folder; where not given, see :func:`hnseg.data.roots.find_root`.
        data_dir: where data sets lie by default.
        part: the organisers' training patients (``train``), their test patients, or ``all``.
        phantom: settings of :func:`hnseg.phantom.write_hecktor`, to have a phantom written to ``root`` in this layout.
    """

    def __init__(
        self,
        *,
        year: Year,
        root: str | None = None,
        data_dir: str | Path = "data",
        part: hecktor.Part = "train",
        phantom: Mapping[str, Any] | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(**shared)
        self.year, self.root, self.data_dir, self.part, self.phantom = year, root, Path(data_dir), part, phantom

    def folder(self) -> Path:
        """Where the data set lies, or a phantom is to be written."""
        if self.phantom is None:
            return find_root(self.name, self.root, self.data_dir)
        return Path(self.root) if self.root else self.data_dir / self.name

    def find_studies(self, progress: bool = True) -> Findings:
        root = self.folder()
        if self.phantom is not None:
            write_hecktor(root, year=self.year, workers=self.prepare_workers, progress=progress, **self.phantom)
        return hecktor.find_studies(root, self.year, self.part)
