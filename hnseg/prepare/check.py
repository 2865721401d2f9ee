"""A look at a data set before any work: what would fail, what looks odd, and what the cache will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from hnseg.geometry import box_contains
from hnseg.io.volume import read_volume
from hnseg.prepare.box import choose_box
from hnseg.prepare.brain import NoBrainFoundError, brain_box
from hnseg.prepare.cache import case_bytes
from hnseg.prepare.check_organs import check_landmarks, check_organs, count_annotated
from hnseg.prepare.findings import LEVELS, Finding, Findings, Level, Say
from hnseg.prepare.fingerprint import Fingerprint, fingerprint, same_content, same_look
from hnseg.prepare.images import LEAST_OVERLAP, overlap, prepared_grid
from hnseg.prepare.masks import read_masks
from hnseg.prepare.pool import run_all, worker_count
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.suv import suv_complaint
from hnseg.types import BoxMm, Study, Volume

USUAL_SPACING_MM: dict[str, tuple[float, float]] = {"ct": (0.3, 5.0), "pt": (1.0, 8.0)}
"""Clinical scanners; HECKTOR's own CT has 0.49 to 5 mm, its PET 2 to 5.5 mm."""


@dataclass(frozen=True, eq=False)
class _Look:
    """What a look at one study brought."""

    study: Study
    findings: tuple[Finding, ...]
    print: Fingerprint | None = None
    shape_zyx: tuple[int, int, int] | None = None
    annotated: frozenset[str] = frozenset()


def check_studies(
    findings: Findings, recipe: Recipe, workers: int | None = None, progress: bool = True
) -> list[Finding]:
    """Everything that can be said about a data set before it is prepared; nothing is written.

    Args:
        findings: from a layout's ``find_studies``; its problems become errors.
        recipe: what the studies will be prepared by.
        workers: processes; as many as this process may use cores if not given.
        progress: whether to show a progress bar.

    Returns:
        errors, then warnings, then notes, by patient.
    """
    tasks = [(study, recipe) for study in findings.studies]
    done = run_all(_look_safely, tasks, worker_count(workers, len(tasks)), _killed)
    looks = list(track(done, "checking", len(tasks), console=Console(stderr=True), disable=not progress))
    result = [
        Finding(p.case_id, "error", "", p.message, "until then the other patients go on without this one")
        for p in findings.problems
    ]
    result += [finding for look in looks for finding in look.findings]
    prints = sorted((look.print for look in looks if look.print is not None), key=lambda one: one.case_id)
    result += _duplicates(prints)
    result += count_annotated([(look.study, look.annotated) for look in looks if look.print], recipe.label_names)
    result += _sizes({look.study.case_id: look.shape_zyx for look in looks if look.shape_zyx}, recipe)
    return sorted(result, key=lambda finding: (LEVELS.index(finding.level), finding.case_id))


def format_findings(findings: Sequence[Finding]) -> str:
    """Findings as text, a paragraph each, and a last line that counts them."""
    lines = []
    for finding in findings:
        about = ": ".join(filter(None, (finding.case_id, finding.file)))
        lines.append(
            f"{finding.level.upper():8}{about}{': ' if about else ''}{finding.message.rstrip('.')}; {finding.remedy}"
        )
    counts = Counter(finding.level for finding in findings)
    plurals = [f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}" for level in LEVELS]
    return "\n".join([*lines, ", ".join(plurals)])


def _look_safely(study: Study, recipe: Recipe) -> _Look:
    try:
        return _look(study, recipe)
    except Exception as error:  # one patient's surprise must not stop the others
        files = ", ".join(map(str, study.images.values()))
        message = f"{type(error).__name__}: {error}"
        return _Look(study, (Finding(study.case_id, "error", files, message, "please report this"),))


def _killed(task: tuple[Study, Recipe]) -> _Look:
    study, files = task[0], ", ".join(map(str, task[0].images.values()))
    return _Look(study, (Finding(study.case_id, "error", files, "its process was killed twice", "use fewer workers"),))


def _look(study: Study, recipe: Recipe) -> _Look:
    found: list[Finding] = []

    def say(level: Level, file: Path | str, message: str, remedy: str) -> None:
        found.append(Finding(study.case_id, level, str(file), message, remedy))

    images = dict(_readable(study, recipe, say))
    if not images:
        return _Look(study, tuple(found))
    _check_images(study, images, recipe, say)
    first = next(iter(images.values()))
    masks: dict[str, Volume] = {}
    for name in recipe.label_names:
        try:
            masks |= read_masks(study, (name,), first.grid, recipe.allow_empty)
        except ValueError as error:
            say("error", "", str(error), "the patient is left out until then")
    check_organs(study, masks, first.grid, say)
    check_landmarks(study, say)
    kept = _check_box(study, images, masks, recipe, say) if len(images) == len(recipe.modalities) else None
    shape = None if kept is None else prepared_grid(kept, recipe, first.grid).shape_zyx
    seen = fingerprint(study.case_id, study.images[next(iter(images))], first)
    return _Look(study, tuple(found), seen, shape, frozenset(masks))


def _readable(study: Study, recipe: Recipe, say: Say) -> Iterator[tuple[str, Volume]]:
    for name in recipe.modalities:
        path = study.images.get(name)
        if path is None:
            say("error", "", f"there is no {name.upper()} file", "add it or take the modality out of the recipe")
            continue
        try:
            volume = read_volume(path)
        except (ValueError, OSError) as error:
            say("error", "", str(error), "the patient is left out until then")
            continue
        bad = int(volume.array.size - np.isfinite(volume.array).sum())
        if bad:
            say("error", path, f"{bad} voxels are NaN or infinite", "export the image again from its source")
            continue
        yield name, volume


def _check_images(study: Study, images: dict[str, Volume], recipe: Recipe, say: Say) -> None:
    names = list(images)
    for name in names[1:]:
        share = overlap(images[names[0]].grid, images[name].grid)
        if share < LEAST_OVERLAP:
            other = study.images[names[0]]
            message = f"it shares {share:.0%} of the smaller image with {other}, expected {LEAST_OVERLAP:.0%} or more"
            say("error", study.images[name], message, "check that both are of the same scan and frame of reference")
    for name, volume in images.items():
        low, high = USUAL_SPACING_MM.get(name, (0.1, 10.0))
        if not all(low <= spacing <= high for spacing in volume.spacing_mm):
            spacing = " x ".join(f"{value:.3g}" for value in volume.spacing_mm)
            message = f"the spacing {spacing} mm (z, y, x) is odd for {name.upper()}, usual are {low:g} to {high:g} mm"
            say(
                "warning",
                study.images[name],
                message,
                "compare the header with the scanner's, and export again if it is wrong",
            )
        if volume.array.min() == volume.array.max():
            say("error", study.images[name], "all voxels have one value", "export the image again from its source")
        if name == "ct" and float(volume.array.min()) > -200:
            message = f"its lowest value is {float(volume.array.min()):.4g}, so there is no air in HU"
            say("warning", study.images[name], message, "apply the rescale slope and intercept of its DICOM")
    if "pt" in images and (complaint := suv_complaint(images["pt"], images.get("ct"))):
        message, remedy = f"this PET cannot be SUV: {complaint}", "convert it to body-weight SUV (g/ml)"
        if recipe.slice_size_yx is not None:
            remedy = f"nothing, where each slice is normalised by itself; for anything else {remedy}"
        say("warning" if recipe.slice_size_yx is None else "note", study.images["pt"], message, remedy)


def _check_box(
    study: Study, images: dict[str, Volume], masks: dict[str, Volume], recipe: Recipe, say: Say
) -> BoxMm | None:
    """The box that the recipe would take; says what of the tumour it, or a derived one, would lose."""
    try:
        box, notes = choose_box(images, study.box, recipe)
    except ValueError as error:
        say("error", next(iter(study.images.values())), str(error), "the patient is left out until then")
        return None
    if box.source == "image" and recipe.regions[0] != "image":
        say("warning", "", "; ".join(notes), "give its box in a CSV if the whole image is too much")
    _say_lost(masks, box, "the box that will be used", "warning", study, say, not recipe.allow_empty)
    if box.source == "given" and "pt" in images and recipe.full_box_mm is not None:
        try:
            derived = brain_box(images["pt"], recipe.full_box_mm)
        except NoBrainFoundError as error:
            say("note", study.images["pt"], str(error), "the published box is used, so nothing is lost")
        else:
            _say_lost(
                masks, derived, "a box derived from the brain (not used, a published one is there)", "note", study, say
            )
    return box


def _say_lost(
    masks: dict[str, Volume], box: BoxMm, which: str, level: Level, study: Study, say: Say, needed: bool = False
) -> None:
    """What of each structure lies outside a box; an error where a structure that is ``needed`` loses everything."""
    if box.source == "given":
        remedy = "correct the patient's line in the box CSV (LPS millimetres) or use regions [image]"
    else:
        remedy = "give the patient's box in a CSV or use regions [image]"
    for name, mask in masks.items():
        outside = int((~box_contains(box, mask.grid.to_lps_mm(np.argwhere(mask.array)))).sum())
        if outside:
            total = int(mask.array.sum())
            lost_ml = outside * mask.grid.voxel_volume_mm3 / 1000
            message = f"{which} loses {outside} of {total} voxels of {name} ({lost_ml:.2f} ml)"
            say("error" if needed and outside == total else level, study.masks[name][0], message, remedy)


def _duplicates(prints: Sequence[Fingerprint]) -> Iterator[Finding]:
    """The same image under two names, and images that look the same."""
    remedy = "keep one of them, or keep both on the same side of every split"
    for index, one in enumerate(prints):
        for other in prints[index + 1 :]:
            if same_content(one, other):
                message = f"holds the same voxels as {other.case_id} ({other.file})"
                yield Finding(one.case_id, "error", one.file, message, remedy)
            elif (likeness := same_look(one, other)) is not None:
                message = f"looks like {other.case_id} ({other.file}), correlation {likeness:.4f}"
                yield Finding(one.case_id, "warning", one.file, message, remedy)


def _sizes(shapes: Mapping[str, tuple[int, int, int]], recipe: Recipe) -> Iterator[Finding]:
    """What the prepared cases take on disk, and the largest of them in memory."""
    needed = sum(case_bytes(shape, recipe) for shape in shapes.values())
    message = f"the prepared cache of {len(shapes)} patients will take about {needed / 1e9:.2f} GB on disk"
    if shapes and recipe.box_shape_zyx is None:
        largest = max(shapes, key=lambda case_id: int(np.prod(shapes[case_id])))
        size = " x ".join(map(str, shapes[largest]))
        gib = float(np.prod(shapes[largest])) * 4 * len(recipe.modalities) / 2**30
        about = f"the largest prepared patient has {size} voxels (z, y, x), {gib:.2f} GiB as a network's input"
        yield Finding(largest, "note", "", about, "networks that take whole volumes need a device with room for it")
    yield Finding("", "note", "", message, "see that the cache folder has room")
