from hnseg.report.survival_published import bourigault2021, published_table2
from hnseg.survival.objects import BLOCKS, FeatureSet


def test_the_papers_own_claims_follow_from_its_table():
    table = published_table2()
    assert len(table) == 16
    assert max(table, key=table.get) == ("cox", "clinical+ct+deep")
    assert table["cox", "clinical+ct+deep"] == 0.82
    # section 3.2: the second best is Cox with clinical and deep features
    assert sorted(table, key=table.get)[-2] == ("cox", "clinical+deep")
    best_of = {model: max(c for (name, _), c in table.items() if name == model) for model in ("rsf", "deepsurv")}
    assert best_of == {"rsf": 0.61, "deepsurv": 0.73}


def test_sets_are_named_as_ours_are():
    for _, features in published_table2():
        blocks = FeatureSet.named(features).blocks
        assert list(blocks) == sorted(blocks, key=BLOCKS.index)


def test_counts_are_those_of_the_training_cohort():
    published = bourigault2021()
    assert (published.patients, published.events, published.test_patients, published.test_c_index) == (
        224, 56, 129, 0.62,
    )  # fmt: skip
