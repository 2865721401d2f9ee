import pytest

from hnseg.evaluate.five_methods import ALL_SETS, COLUMNS, METHODS, ROWS, SPREAD
from hnseg.report.five_published import rainio2024


def test_the_papers_own_claims_follow_from_its_tables():
    published = rainio2024()
    table = published.table1.set_index("row")
    assert list(table) == list(METHODS)
    assert list(table.index) == ["1", "2", "3", "4", "5", ALL_SETS, SPREAD]
    # section 3: "32.3% higher"; best to worst; two networks with clicks vary less than the others
    assert 100 * (table.loc[ALL_SETS, "cm1CNN"] / table.loc[ALL_SETS, "CNNonly"] - 1) == pytest.approx(32.3, abs=0.05)
    assert list(table.loc[ALL_SETS].sort_values().index) == list(METHODS)
    assert set(table.loc[SPREAD].nsmallest(2).index) == {"rand1CNN", "cm1CNN"}
    # the fifth set is the exception
    assert table.idxmax(axis=1)[:5].tolist() == ["cm1CNN"] * 4 + ["CNNcm"]


def test_the_printed_p_values_say_what_the_paper_says():
    published = rainio2024()
    for table in (published.table2, published.table3):
        assert table["method"].tolist() == list(ROWS)
        assert table.columns.tolist() == ["method", *COLUMNS]
        assert table[list(COLUMNS)].notna().to_numpy().tolist() == [
            [True] * n + [False] * (4 - n) for n in (4, 3, 2, 1)
        ]
    assert (published.table2[list(COLUMNS)].stack() < 0.05).all()
    weak = published.table3.set_index("method").stack()
    assert weak[weak >= 0.05].to_dict() == {("cm1CNN", "rand1CNN"): 0.167, ("CNNcm", "CNNrand"): 0.302}
