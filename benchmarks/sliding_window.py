"""Sliding-window prediction against MONAI's, interleaved: ``python benchmarks/sliding_window.py [--repeats 7]``.

Same network, windows, overlap, Gaussian weights and one window a call. Time: 144^3 with windows of 96^3, where both
place them alike, so the answers must be equal before anything is timed. Peak memory: 10 classes of 256 x 256 x 160,
each library in a process of its own; there both must equal the network's answer in one pass. Prints a markdown table;
the exit code is 1 where an answer differs or hnseg is slower (by more than 5 % in wall and in CPU time) or larger.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from hnseg.inference.sliding_window import sliding_window
from hnseg.models import SENormUNet

WINDOW = (96, 96, 96)
TOLERANCE = 1e-5
NOISE = 1.05
"""Two runs of the same work on a shared machine differ by about this factor."""


def ours(network: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
    return sliding_window(network, image, WINDOW, overlap=0.5, weighting="gaussian", batch_size=1)


def monais(network: Callable[[Tensor], Tensor], image: Tensor) -> Tensor:
    return sliding_window_inference(image[None], WINDOW, 1, network, overlap=0.5, mode="gaussian")[0]


CONTENDERS = {"hnseg": ours, "monai": monais}


def networks() -> dict[str, nn.Module]:
    """One convolution, where the walk costs as much as the network does, and the network of the demo."""
    torch.manual_seed(0)
    return {
        "1x1x1 convolution, 1 class": nn.Conv3d(2, 1, 1),
        "1x1x1 convolution, 10 classes": nn.Conv3d(2, 10, 1),
        "SENormUNet, 4 filters": SENormUNet(in_channels=2, out_channels=1, filters=4),
    }


def compare(name: str, network: nn.Module, repeats: int) -> tuple[list[str], list[str]]:
    """Lines of the table and complaints for one network on 144^3."""
    network.eval()
    image = torch.randn(2, 144, 144, 144, generator=torch.Generator().manual_seed(1))
    difference = float((ours(network, image) - monais(network, image)).abs().max())
    if difference > TOLERANCE:
        return [], [f"{name}: the answers differ by {difference:.1e}; nothing was timed"]
    wall: dict[str, list[float]] = {library: [] for library in CONTENDERS}
    cpu: dict[str, list[float]] = {library: [] for library in CONTENDERS}
    for round_number in range(repeats):
        order = list(CONTENDERS.items())
        for library, walk in order if round_number % 2 else reversed(order):
            began, began_cpu = time.perf_counter(), time.process_time()
            walk(network, image)
            wall[library].append(time.perf_counter() - began)
            cpu[library].append(time.process_time() - began_cpu)
    return rows(name, wall, cpu)


def rows(name: str, wall: dict[str, list[float]], cpu: dict[str, list[float]]) -> tuple[list[str], list[str]]:
    medians = {library: statistics.median(times) for library, times in wall.items()}
    # on a shared machine the wall time of seconds-long work says as much about the neighbours; CPU time must agree
    cpu_medians = {library: statistics.median(times) for library, times in cpu.items()}
    lines = [
        f"| {name} | {library} | {medians[library] * 1e3:.0f} | {min(wall[library]) * 1e3:.0f} "
        f"| {cpu_medians[library]:.2f} | {medians[library] / medians['hnseg']:.2f} |"
        for library in CONTENDERS
    ]
    slower = all(medians_of["hnseg"] > NOISE * medians_of["monai"] for medians_of in (medians, cpu_medians))
    return lines, [f"{name}: hnseg is slower than monai"] if slower else []


def memory_mib(field: str) -> float:
    """``VmRSS``, what this process holds now, or ``VmHWM``, the most it held (Linux)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(f"{field}:")).split()[1]) / 1024


def peak(library: str) -> None:
    """Prints, as JSON, by how much one walk over 10 classes of 256 x 256 x 160 raised this process's peak."""
    network = nn.Conv3d(2, 10, 1).requires_grad_(False)
    image = torch.randn(2, 160, 256, 256, generator=torch.Generator().manual_seed(1))
    CONTENDERS[library](network, image[:, :96, :96, :96])  # what is loaded at the first call is not the walk's
    Path("/proc/self/clear_refs").write_text("5")  # the most from here on; the parent's and the imports' do not count
    before = memory_mib("VmRSS")
    began = time.perf_counter()
    result = CONTENDERS[library](network, image)
    seconds = time.perf_counter() - began
    after = memory_mib("VmHWM")
    difference = max(
        float((result[:, z] - network(image[None, :, z : z + 1])[0, :, 0]).abs().max()) for z in range(160)
    )
    print(json.dumps({"mib": after - before, "total": after, "s": seconds, "difference": difference}))


def compare_peaks() -> tuple[list[str], list[str]]:
    """Lines of the memory table and complaints."""
    found = {}
    for library in CONTENDERS:
        command = [sys.executable, str(Path(__file__).resolve()), "--peak", library]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[library] = json.loads(output.splitlines()[-1])
    lines = [
        f"| 10 classes, 256 x 256 x 160 | {library} | {r['mib']:.0f} | {r['total']:.0f} | {r['s']:.2f} "
        f"| {r['mib'] / found['hnseg']['mib']:.2f} |"
        for library, r in found.items()
    ]
    complaints = [
        f"peak: {library}'s answer is off by {r['difference']:.1e}"
        for library, r in found.items()
        if r["difference"] > TOLERANCE
    ]
    if found["hnseg"]["mib"] > found["monai"]["mib"]:
        complaints.append("peak: hnseg takes more memory than monai")
    return lines, complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--peak", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_grad_enabled(False)
    if options.peak:
        peak(options.peak)
        return 0
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, monai {version('monai')}; "
        f"{os.cpu_count()} CPUs,",
        end=" ",
    )
    print(f"{torch.get_num_threads()} threads, {options.repeats} interleaved rounds.\n")
    print("| network, (2, 144^3), window 96^3, overlap 0.5 | library | median ms | min ms | CPU s | ratio to hnseg |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    complaints: list[str] = []
    for name, network in networks().items():
        lines, found = compare(name, network, options.repeats)
        print(*lines, sep="\n", flush=True)
        complaints += found
    print("\n| memory | library | peak above the start, MiB | peak of the process, MiB | s | ratio to hnseg |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    lines, found = compare_peaks()
    print(*lines, sep="\n", flush=True)
    for complaint in complaints + found:
        print(complaint, file=sys.stderr)
    return 1 if complaints + found else 0


if __name__ == "__main__":
    sys.exit(main())
