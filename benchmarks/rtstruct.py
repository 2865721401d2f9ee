"""Masks to an RT Structure Set and back, against rt-utils and plastimatch: ``python -m benchmarks.rtstruct``.

The tumours and organs of a phantom on its CT, as DICOM files. Everybody's file is read by everybody: a library that
loses half a voxel when it writes and adds it when it reads agrees with itself and with nobody else. rt-utils asks for
another build of OpenCV than hnseg and is left out where it is not installed (``pip install --no-deps rt-utils``). The
exit code is 1 where hnseg's masks come back with a Dice below 0.98 from any reader, where it reads plastimatch's file
otherwise, or where it is slower in wall and in CPU time.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import (
    Times,
    Verdict,
    cpu_with_children_s,
    options,
    own_process,
    peak_of_tree_above_start_mib,
    print_table,
    take_turns,
)
from hnseg.geometry.contour_mask import contour_mask
from hnseg.io import read_volume, write_volume
from hnseg.io.dicom.rtstruct import read_rtstruct
from hnseg.io.dicom.rtstruct_write import write_rtstruct
from hnseg.io.dicom.scan import scan
from hnseg.io.dicom.stack import stack
from hnseg.phantom.dicom_cast import SCANNERS, Role
from hnseg.phantom.dicom_ct import ct_files
from hnseg.phantom.dicom_scene import Scene
from hnseg.phantom.dicom_study import PhantomStudy
from hnseg.phantom.plan import plan_patient
from hnseg.types import Grid, Volume

Masks = dict[str, NDArray[np.bool_]]
Write = Callable[[Path, Masks, Path], None]
Read = Callable[[Path, Path], Masks]
LEAST_DICE = 0.98
NOISE = 1.05
ALONE = "rt-utils"
"""Its outlines run through the centres of the outermost voxels, and it fills those that an outline touches (OpenCV's
findContours and fillPoly), so that it agrees with itself alone; shown, and not held against anybody."""
FULL_MM, QUICK_MM = (3.0, 1.0, 1.0), (12.0, 8.0, 8.0)
STEPS = ("write", "read")
HEADER = ("step", "library", "median s", "min s", "CPU s", "ratio to hnseg", "peak MiB")
WHAT = """\
{count} structures, {voxels:,} voxels, on a CT of {shape} as {files} DICOM files. "write": from the folder of the CT and
masks in memory to a file; "read": from that folder and the library's own file to masks in memory. {rounds} rounds in
turn in one process; plastimatch is a program, and starting it and the files it exchanges masks by are part of its time,
as the child processes that hnseg reads every DICOM file in are part of hnseg's. CPU holds that of child processes; peak
is what one call adds to a fresh process and its children. Not installed: {missing}.

The Dice of the structure that came back worst, and the mean of all, by who read the file:
"""


@dataclass(frozen=True)
class Library:
    """How it writes masks on the CT of a folder to a file, and reads them again."""

    write: Write
    read: Read


def write_scan(folder: Path, spacing_mm: tuple[float, float, float]) -> None:
    """``ct/``, files of a phantom's CT; ``masks.npz`` on it; ``grid.json``, where it lies."""
    scanner = replace(SCANNERS["siemens"], ct_spacing_mm=spacing_mm)
    scene = Scene(plan_patient(1, 0, scanner, "benchmark"), Role("siemens", "rtstruct"), 1.0)
    (folder / "ct").mkdir()
    for index, content in ct_files(scene, PhantomStudy("benchmark", 0, True, scene.weight_kg)):
        (folder / "ct" / f"{index:04d}.dcm").write_bytes(content)
    np.savez_compressed(folder / "masks.npz", **scene.masks)
    (folder / "grid.json").write_text(json.dumps(scene.ct_grid.to_dict()))


def masks_of(folder: Path) -> Masks:
    with np.load(folder / "masks.npz") as stored:
        return dict(stored)


def hnsegs() -> Library:
    def write(ct: Path, masks: Masks, path: Path) -> None:
        write_rtstruct(path, masks, stack(scan(ct).headers))

    def read(ct: Path, path: Path) -> Masks:
        grid, (header,) = stack(scan(ct).headers).grid, scan(path.parent).headers
        return {roi.name: contour_mask(roi.contours, grid)[0] for roi in read_rtstruct(header)}

    return Library(write, read)


def rt_utils() -> Library:
    """Masks are (y, x, z) there, slices from the lowest."""
    builder = importlib.import_module("rt_utils").RTStructBuilder

    def write(ct: Path, masks: Masks, path: Path) -> None:
        drawn = builder.create_new(str(ct))
        for name, mask in masks.items():
            drawn.add_roi(mask=np.ascontiguousarray(mask.transpose(1, 2, 0)), name=name)
        with contextlib.redirect_stdout(io.StringIO()):  # it says where it writes
            drawn.save(str(path))

    def read(ct: Path, path: Path) -> Masks:
        drawn = builder.create_from(str(ct), str(path))
        return {name: drawn.get_roi_mask_by_name(name).transpose(2, 0, 1) for name in drawn.get_roi_names()}

    return Library(write, read)


def plastimatch() -> Library:
    """Its masks go through files: a bit a structure on the way in, an image a structure on the way out."""
    program = distribution("plastimatch").locate_file("plastimatch/bin/plastimatch")

    def convert(ct: Path, **files: Path | str) -> None:
        said = [text for key, value in files.items() for text in (f"--{key.replace('_', '-')}", str(value))]
        command = [str(program), "convert", "--referenced-ct", str(ct), *said]
        subprocess.run(command, check=True, capture_output=True)

    def write(ct: Path, masks: Masks, path: Path) -> None:
        with tempfile.TemporaryDirectory() as name:
            bits, listed, out = (Path(name) / part for part in ("bits.nrrd", "listed.txt", "out"))
            together = np.zeros(next(iter(masks.values())).shape, np.uint32)
            for bit, mask in enumerate(masks.values()):
                together |= mask.astype(np.uint32) << np.uint32(bit)
            grid = Grid.from_dict(
                json.loads((ct.parent / "grid.json").read_text())
            )  # who has masks knows where they lie
            write_volume(Volume(together, grid), bits)
            listed.write_text("".join(f"{bit}|255 0 0|{name}\n" for bit, name in enumerate(masks)))
            convert(ct, input_ss_img=bits, input_ss_list=listed, output_dicom=out)
            (written,) = out.iterdir()
            written.replace(path)

    def read(ct: Path, path: Path) -> Masks:
        with tempfile.TemporaryDirectory() as name:
            convert(ct, input=path, output_prefix=Path(name) / "out", prefix_format="nrrd")
            return {file.stem: read_volume(file).array > 0 for file in (Path(name) / "out").iterdir()}

    return Library(write, read)


PEERS: Mapping[str, Callable[[], Library]] = {"rt-utils": rt_utils, "plastimatch": plastimatch}


def libraries() -> tuple[dict[str, Library], list[str]]:
    """Who is here, and the peers that are not installed."""
    found, missing = {"hnseg": hnsegs()}, []
    for name, load in PEERS.items():
        try:
            found[f"{name} {version(name)}"] = load()
        except (PackageNotFoundError, ImportError):
            missing.append(name)
    return found, missing


def file_of(folder: Path, library: str) -> Path:
    """Each library's in a folder of its own."""
    place = folder / library.split()[0]
    place.mkdir(exist_ok=True)
    return place / "structures.dcm"


def works(folder: Path, masks: Masks) -> dict[tuple[str, str], Callable[[], object]]:
    """Step and library to what is timed."""
    found: dict[tuple[str, str], Callable[[], object]] = {}
    for name, library in libraries()[0].items():
        path = file_of(folder, name)
        found["write", name] = partial(library.write, folder / "ct", masks, path)
        found["read", name] = partial(library.read, folder / "ct", path)
    return found


def dice_of_all(found: Masks, masks: Masks) -> NDArray[np.float64]:
    """Of every structure; 0 where it did not come back."""
    pairs = ((found.get(name), mask) for name, mask in masks.items())
    return np.array([0.0 if a is None else 2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in pairs])


def compare_answers(folder: Path, masks: Masks, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table of Dice; leaves everybody's file behind."""
    here = libraries()[0]
    for writer, library in here.items():
        path = file_of(folder, writer)
        library.write(folder / "ct", masks, path)
        cells = []
        for reader in here:
            dice = dice_of_all(here[reader].read(folder / "ct", path), masks)
            cells.append(f"{dice.min():.4f}, {dice.mean():.4f}")
            alone = any(who.startswith(ALONE) for who in (writer, reader))
            if "hnseg" in (writer, reader) and not alone and dice.min() < LEAST_DICE:
                verdict.wrong.append(f"{writer}'s file read by {reader}: Dice {dice.min():.4f}")
        yield [writer, f"{path.stat().st_size / 1024:.0f}", *cells]


def compare_times(folder: Path, masks: Masks, args: argparse.Namespace, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table of times."""
    times = take_turns(works(folder, masks), 1 if args.quick else args.repeats, cpu_with_children_s)
    for step in STEPS:
        ours = times[step, "hnseg"]
        for library in libraries()[0]:
            mine = times[step, library]
            if slower(ours, mine):
                verdict.behind.append(f"{step}: {library} is faster")
            peak = (
                float("nan")
                if args.quick
                else own_process("benchmarks.rtstruct", "--peak", str(folder), step, library)["mib"]
            )
            seconds = mine.median_s, min(mine.wall_s), mine.cpu_median_s
            yield [step, library, *(f"{s:.2f}" for s in seconds), f"{mine.median_s / ours.median_s:.2f}", f"{peak:.0f}"]


def slower(ours: Times, theirs: Times) -> bool:
    """In wall and in CPU time; on a shared machine one alone may be the neighbours'."""
    return ours.median_s > NOISE * theirs.median_s and ours.cpu_median_s > NOISE * theirs.cpu_median_s


def print_peak(folder: Path, step: str, library: str) -> None:
    """As JSON the memory in MiB that one call adds to this process and its children."""
    work = works(folder, masks_of(folder))[step, library]
    print(json.dumps({"mib": peak_of_tree_above_start_mib(work)}))


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--peak", nargs=3, metavar=("FOLDER", "STEP", "LIBRARY"), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak:
        print_peak(Path(args.peak[0]), *args.peak[1:])
        return 0
    (here, missing), verdict = libraries(), Verdict()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scan(folder, QUICK_MM if args.quick else FULL_MM)
        masks = masks_of(folder)
        shape = next(iter(masks.values())).shape
        said = {"count": len(masks), "voxels": sum(int(mask.sum()) for mask in masks.values()), "files": shape[0]}
        said |= {"shape": " x ".join(map(str, shape[::-1])), "rounds": 1 if args.quick else args.repeats}
        print(WHAT.format(**said, missing=", ".join(missing) or "none"))
        print_table(("written by", "KiB", *here), compare_answers(folder, masks, verdict), texts=1)
        print()
        print_table(HEADER, compare_times(folder, masks, args, verdict))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
