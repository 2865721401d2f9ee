"""The benchmark of radiomic features runs on a tiny size, with and without its peer, and finds what is wrong."""

from benchmarks import radiomics


def test_prints_a_table_and_says_whether_the_peer_is_there(capsys) -> None:
    assert radiomics.main(["--quick"]) == 0
    printed = capsys.readouterr().out
    assert "| CT 24^3, 1 ml | hnseg | 107 |" in printed
    assert ("Peer: pyradiomics, not installed." in printed) == (len(radiomics.contenders()[0]) == 1)


def test_another_answer_is_found() -> None:
    one, verdict = next(radiomics.scenes(quick=True)), radiomics.Verdict()
    found = radiomics.ours(one)
    off = {**found, "original_glcm_MCC": found["original_glcm_MCC"] * 1.001}
    missing = {name: value for name, value in found.items() if not name.endswith("MCC")}
    measures = {"hnseg": lambda _: found, "off": lambda _: off, "missing": lambda _: missing}
    assert len(list(radiomics.compare(one, measures, 1, verdict))) == 3
    assert verdict.wrong == ["CT 24^3, 1 ml: off", "CT 24^3, 1 ml: missing"]
