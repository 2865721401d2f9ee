"""The manifest of a run: what was trained on what, with which code and versions, on which machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import hnseg
from hnseg.io.atomic import atomic_path

MANIFEST_NAME = "manifest.json"

PACKAGES = (
    "hnseg",
    "torch",
    "pytorch-lightning",
    "torchmetrics",
    "hydra-core",
    "omegaconf",
    "torchio",
    "SimpleITK",
    "nibabel",
    "numpy",
    "scipy",
    "pandas",
    "scikit-image",
    "scikit-learn",
    "scikit-survival",
    "lifelines",
)
"""What can change a number of a run; everything that hnseg computes with."""


def write_manifest(run_dir: Path, **fields: Any) -> Path:
    """Write ``manifest.json`` of a run, whole or not at all, and return its path.

    Fields of an earlier call stay unless they are given again, so that training writes most of them when it starts and
    the rest when it ends. Commit, versions and hardware are those of the first call. A run that was once marked as a
    phantom stays marked.

    Args:
        run_dir: folder of the run; made if it does not exist.
        fields: anything that JSON can hold; paths, tuples and numpy numbers are converted.

    Raises:
        ValueError: an earlier manifest cannot be read, or a field cannot be written as JSON.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    path = run_dir / MANIFEST_NAME
    before = read_manifest(run_dir) if path.exists() else _collected()
    phantom = bool(before.get("phantom", False)) or bool(fields.get("phantom", False))
    try:
        text = json.dumps({**before, **fields, "phantom": phantom}, indent=2, default=_plain)
    except TypeError as error:
        raise ValueError(f"{path}: a field cannot be written as JSON ({error}); give plain numbers and text") from error
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return path


def read_manifest(run_dir: Path) -> dict[str, Any]:
    """What ``write_manifest`` wrote.

    Raises:
        ValueError: there is none, or it is not a JSON object.
    """
    path = run_dir / MANIFEST_NAME
    if not path.is_file():
        raise ValueError(
            f"{path} was not found: expected the folder of a run that training has written; check the path"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); resume the run to write it again") from error
    if not isinstance(manifest, dict):
        raise ValueError(
            f"{path} holds a {type(manifest).__name__}, expected an object; resume the run to write it again"
        )
    return manifest


def collect_versions() -> dict[str, str]:
    """Installed versions of Python and of the packages that a result depends on; what is not installed is left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def hardware() -> dict[str, Any]:
    """The machine: system, processor, cores that this process may use, memory in GiB, and CUDA devices by name."""
    import torch  # here, so that a report can be written without it

    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "devices": devices,
        "cuda": torch.version.cuda if devices else None,
    }


def git_state(root: Path) -> tuple[str, bool]:
    """Commit checked out at ``root``, and whether its files differ from it.

    ``("", False)`` where ``root`` is not the top of a git repository: an installed package that happens to lie inside
    somebody's repository must not take that repository's commit for its own.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != root.resolve():
        return "", False
    return _git(root, "rev-parse", "HEAD"), bool(_git(root, "status", "--porcelain"))


def _collected() -> dict[str, Any]:
    commit, dirty = git_state(Path(hnseg.__file__).resolve().parents[1])
    return {
        "commit": commit,
        "dirty": dirty,
        "version": hnseg.__version__,
        "versions": collect_versions(),
        "hardware": hardware(),
    }


def _git(root: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numpy numbers and arrays
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} {value!r}")
