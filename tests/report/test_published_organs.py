import json
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from hnseg.report.published_organs import jain2020_table2, published_beside
from hnseg.report.run_folder import RunFolder
from tests.report.organs import CONFIG, ORGANS, make_organ_run


@pytest.fixture
def run(tmp_path):
    folder = make_organ_run(tmp_path / "run", full=0, partly=0, data=False)

    def build(data="miccai2015", title="mine", names=ORGANS, tested=15, phantom=False):
        (folder / "config.yaml").write_text(
            yaml.safe_dump(CONFIG | {"title": title, "data": {"name": data, "label_names": list(names)}})
        )
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"data": {"name": data}}))
        cases = pd.DataFrame({"case": [f"p{i}" for i in range(tested)]})
        return replace(RunFolder.open(folder), cases=cases, phantom=phantom)

    return build


def test_the_printed_means_are_those_of_the_printed_rows():
    """As printed: the mean of the nine, to two digits."""
    for scores in jain2020_table2().columns.values():
        nine = [scores[name] for name in ORGANS]
        assert sum(nine) / 9 == pytest.approx(scores["mean of organs"], abs=6e-5)


def test_who_is_told_what(run):
    published, sentences = published_beside(run())
    assert published is jain2020_table2()
    assert not any(sentence.warning for sentence in sentences)
    assert "15 patients of miccai2015" in sentences[-1].text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"data": "public_oar", "title": "jain2020_model_l"}, "15 patients of public_oar: other patients"),
        ({"data": "public_oar", "title": "zhu2018_anatomynet"}, "cannot be compared"),
        ({"tested": 9}, "9 patients of miccai2015, not their 15, or AnatomyNet's 10"),
        ({"phantom": True}, "a phantom: nothing can be compared"),
    ],
)
def test_what_cannot_be_compared_is_said(run, options, said):
    _, sentences = published_beside(run(**options))
    assert sentences[-1].warning
    assert said in sentences[-1].text


@pytest.mark.parametrize("options", [{"data": "public_oar"}, {"names": ORGANS[:4]}])
def test_it_has_nothing_to_do_with_other_runs(run, options):
    assert published_beside(run(**options)) is None
