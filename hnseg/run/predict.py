"""`predict`: checkpoints and a folder of patients to one label map a patient, and one file a structure if asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import DictConfig

from hnseg.inference import Predictor, find_checkpoints, find_cross_validations, load_checkpoints, predict_folder
from hnseg.inference.builtin import BUILTIN
from hnseg.inference.chains import TUNED, only_chain, tuned_chain
from hnseg.inference.checkpoint import Checkpoint
from hnseg.inference.output import StructureFiles
from hnseg.inference.runner import Precision
from hnseg.io import read_boxes
from hnseg.io.clicks import FileClick, read_clicks
from hnseg.io.dicom.objects import Series
from hnseg.io.dicom.sniff import holds_dicom
from hnseg.postprocess import Postprocess
from hnseg.prepare import Findings, turku
from hnseg.prepare.ct_folder import find_cts
from hnseg.prepare.hecktor import find_images
from hnseg.prepare.table import find_pairs
from hnseg.run.device import device_named
from hnseg.run.dicom_input import dicom_input
from hnseg.run.resolvers import to_plain
from hnseg.run.validate import validate


def main(config: DictConfig) -> int:
    """0; 1 where patients got no mask, or clicks have no patient."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    if plain["threads"]:
        torch.set_num_threads(plain["threads"])
    checkpoints = load_checkpoints(plain["checkpoint"], plain["trust"])
    chain, source = _postprocess(plain, checkpoints)
    predictor = Predictor(
        checkpoints,
        postprocess=chain,
        device=device_named(plain["device"]),
        precision=cast(Precision, str(plain["precision"])),
        tta=plain["tta"],
        mode=plain["mode"],
        batch_size=plain["batch_size"],
    )
    print(f"{len(checkpoints)} checkpoint{'s' * (len(checkpoints) > 1)}: {', '.join(map(str, predictor.paths))}")
    print(f"post-processing: {', '.join(predictor.postprocess.names) or 'none'} ({source})")
    with _patients(plain, predictor.modalities) as (findings, series):
        result = predict_folder(
            predictor,
            findings.studies,
            Path(plain["output"]),
            plain["save_probabilities"],
            plain["continue_output"],
            structure_files=_suffix(plain["structure_files"]),
            clicks=_clicks(plain["clicks"]["file"], findings),
            formats=plain["save"],
            series=series,
        )
    failures = (*findings.problems, *result.failures)
    counts = f"{len(result.written)} masks written, {len(result.kept)} kept, {len(failures)} patients failed"
    print(f"{counts}: {result.table}")
    for failure in failures:
        print(f"  {failure}")
    return 1 if failures else 0


@contextmanager
def _patients(
    plain: Mapping[str, Any], modalities: Sequence[str]
) -> Iterator[tuple[Findings, Mapping[str, Series] | None]]:
    """The patients, and where they come as DICOM the series that masks are written back for."""
    source = Path(plain["input"]).expanduser()
    if not _is_dicom(source):
        yield with_boxes(find_patients(source, modalities), plain["boxes"]), None
        return
    with dicom_input(source, Path(plain["output"]), modalities, plain["dicom"]) as patients:
        yield with_boxes(patients.findings, plain["boxes"]), patients.series


def _is_dicom(source: Path) -> bool:
    """Whether a folder holds DICOM files, and nothing that `find_patients` goes by."""
    return source.is_dir() and not (find_images(source) or find_cts(source)) and holds_dicom(source)


def find_patients(source: Path, modalities: Sequence[str]) -> Findings:
    """Those of a table or folder as `find_pairs` has them; for PET alone also folders named as in the Turku study."""
    named = source.is_dir() and (find_images(source) or sorted(source.glob("*.csv")))
    if tuple(modalities) == ("pt",) and source.is_dir() and not named:
        return turku.find_studies(source, part="test")
    return find_pairs(source, modalities)


def _postprocess(plain: dict[str, Any], checkpoints: Sequence[Checkpoint]) -> tuple[Postprocess | None, str]:
    """The chain to apply, and where it comes from; None where it is what the checkpoints carry.

    What the user chose wins, then what tuning left for the ensemble of a cross-validation. Of several such folders
    each must have the same, and so must checkpoints that belong to none of them.
    """
    if plain.get("postprocess") is not None:
        return Postprocess.from_dict(plain["postprocess"], "postprocess=..."), "chosen with postprocess=..."
    crossed = {folder: tuned_chain(folder) for folder in _cross_validations(plain["checkpoint"])}
    tuned = {folder: chain for folder, chain in crossed.items() if chain is not None}
    if not tuned:
        return None, "as the checkpoints carry it"
    ours = {path for folder in tuned for path in find_checkpoints(folder)}
    chains = {str(folder / TUNED): chain for folder, chain in tuned.items()}
    others = [checkpoint for checkpoint in checkpoints if checkpoint.path not in ours]
    chains |= {str(checkpoint.path): checkpoint.postprocess for checkpoint in others}
    return only_chain(chains), f"as tuned: {', '.join(str(folder / TUNED) for folder in tuned)}"


def _cross_validations(spec: str | Sequence[str]) -> list[Path]:
    places = [place for place in ([spec] if isinstance(spec, str) else spec) if place not in BUILTIN]
    return find_cross_validations(places) if places else []


def _clicks(file: str | None, findings: Findings) -> Mapping[str, Sequence[FileClick]] | None:
    """The clicks in a file or folder; patients that were set aside are reported for another reason already."""
    if file is None:
        return None
    aside = {problem.case_id for problem in findings.problems}
    clicks = read_clicks(Path(file), [*(study.case_id for study in findings.studies), *aside])
    return {case_id: made for case_id, made in clicks.items() if case_id not in aside}


def _suffix(structure_files: bool | str | None) -> StructureFiles | None:
    """What kind of file a structure gets, if any; true is the kind of the label map."""
    if structure_files is True:
        return "nii.gz"
    return cast(StructureFiles, structure_files) if structure_files else None


def with_boxes(findings: Findings, csv: str | None) -> Findings:
    """The patients with the search boxes of a table, where there is one."""
    if csv is None:
        return findings
    boxes = read_boxes(Path(csv).expanduser())
    studies = [replace(study, box=boxes.get(study.case_id, study.box)) for study in findings.studies]
    return Findings.of(studies, findings.problems)
