"""Every benchmark runs on tiny sizes, compares answers and prints a table; who is faster is not asked."""

import importlib
import re

import numpy as np
import pytest
import torch

pytest.importorskip("monai", reason="the benchmarks compare with MONAI (pip install 'hnseg[oracles]')")
pytest.importorskip("surface_distance", reason="the benchmarks compare with surface-distance")

NAMES = ("patches", "hd95", "evaluation", "crf", "augment", "slices", "sliding_window")
NAMES += ("prediction_memory", "prediction_slices", "memory", "radiomics", "concordance")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_prints_a_table_and_answers_agree(name, capsys) -> None:
    threads = torch.get_num_threads()
    code = importlib.import_module(f"benchmarks.{name}").main(["--quick"])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert re.search(r"^\| -+ .*\|\n\| .*\d", printed, re.MULTILINE)
    assert "hnseg" in printed
    assert torch.is_grad_enabled()
    assert torch.get_num_threads() == threads


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_step_of_the_largest_network_is_measured_in_four_ways(capsys) -> None:
    from benchmarks.memory import main

    assert main(["--quick", "--full"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| UNet3Plus")]
    assert [("bf16" in row, "checkpointing" in row) for row in rows] == [
        (True, True),
        (False, True),
        (True, False),
        (False, False),
    ]
    single, half = (float(rows[row].split("|")[3]) for row in (3, 2))
    assert 1.5 < single / half < 2.5


def test_a_step_that_does_not_fit_is_found(capsys, monkeypatch) -> None:
    from benchmarks import memory

    mib = {True: 30_000.0, False: float("nan")}  # too large; killed for it
    monkeypatch.setattr(memory.Step, "estimate_mib", lambda _: 10_000.0)
    monkeypatch.setattr(memory, "measure_apart", lambda step: dict.fromkeys(("mib", "total"), mib[step.bf16]))
    assert memory.main(["--full"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("does not fit into 20 GiB") == 3
    assert "| UNet3Plus, 24 filters, (1, 2, 144^3) | cpu | 10000 | n/a |" in printed


@pytest.mark.filterwarnings("ignore")
def test_a_patch_with_other_voxels_is_found(tmp_path) -> None:
    from benchmarks.cohort import QUICK, cases, niftis, write_cohort
    from benchmarks.loaders import LOADERS, make_loader
    from benchmarks.patches import voxels_differ
    from hnseg.io import read_volume, write_volume
    from hnseg.types import Volume

    write_cohort(tmp_path, QUICK)
    path = tmp_path / "nii" / niftis(tmp_path)[1]["pt"].rsplit("/")[-1]
    volume = read_volume(path)
    array = np.array(volume.array)
    array[4, 6, 8] += 1
    write_volume(Volume(array, volume.grid), path)
    for name in LOADERS:
        complaints = voxels_differ(name, make_loader(name, tmp_path, QUICK, 0), tmp_path, QUICK)
        expected = (
            [] if name == "hnseg" else [f"{name}: other voxels than the prepared case {cases(tmp_path)[1].case_id}"]
        )
        assert complaints == expected


def test_a_wrong_hd95_is_found(capsys, monkeypatch) -> None:
    from benchmarks import hd95

    peers = [("a liar", "numpy", "directed", lambda: lambda *_: 1.0)]
    monkeypatch.setattr(hd95, "PEERS", peers)
    assert hd95.main(["--quick"]) == 1
    assert "Answers differ: tumour 144^3, directed: a liar" in capsys.readouterr().out


def test_a_slice_that_others_see_otherwise_is_found(tmp_path) -> None:
    from benchmarks import slices

    cases = slices.write_cases(tmp_path, slices.QUICK)
    (tmp_path / "npz").mkdir()
    slices.write_npz(tmp_path / "npz", cases, masks=True)
    peer = slices.NpzSlices(tmp_path / "npz", 4, slices.QUICK.cut)
    assert slices.windows_differ("it", peer, cases, 4) == []
    with np.load(peer.files[1]) as stored:
        image, masks = stored["image"], stored["masks"]
    image[3, 4] += 60
    np.savez(peer.files[1], image=image, masks=masks)
    assert slices.windows_differ("it", peer, cases, 4) == ["degree 4: it shows another slice than hnseg"]


@pytest.mark.filterwarnings("ignore")
def test_other_labels_and_more_memory_are_found(capsys, monkeypatch) -> None:
    from benchmarks import prediction_memory

    honest = prediction_memory.CONTENDERS["hnseg"]
    monkeypatch.setitem(prediction_memory.CONTENDERS, "hnseg", lambda *said: np.minimum(honest(*said), 8))
    assert prediction_memory.main(["--quick"]) == 1
    assert re.search(r"Answers differ: hnseg: \d+\.\d+% of the labels", capsys.readouterr().out)
    mib = {"hnseg": 20.0, "monai": 10.0}
    found = {name: {"mib": mib[name], "total": 1.0, "s": 1.0, "equal": 1.0} for name in mib}
    monkeypatch.setattr(prediction_memory, "own_process", lambda *said: found[said[-1]])
    assert prediction_memory.main([]) == 1
    assert "hnseg is not first: hnseg takes more memory than monai" in capsys.readouterr().out
