import pytest

from hnseg.intake.aliases import check_aliases, read_aliases
from hnseg.intake.structure_names import structure_name


@pytest.fixture
def table(tmp_path):
    def write(text, name="aliases.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_a_csv_of_spellings(table):
    path = table('name;structure\nGTV;GTVt\n"Parotis; oberfl.";ParotidSuperficial\nMark;\ntronc;brainstem\n')
    aliases = read_aliases(path)
    assert aliases == {"GTV": "GTVt", "Parotis; oberfl.": "ParotidSuperficial", "Mark": "", "tronc": "BrainStem"}
    assert structure_name("tronc", aliases) == "BrainStem"


def test_yaml_and_the_command_line_say_the_same(table):
    path = table("GTV: GTVt\nMark: null\n77: PTV70\n", "aliases.yaml")
    assert read_aliases(path) == {"GTV": "GTVt", "Mark": "", "77": "PTV70"}
    assert check_aliases({"GTV": "GTVt", "Mark": None, 77: "PTV70"}) == read_aliases(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,structure\nGTV,GTVt\ngtv,GTVn\n", r"aliases.csv, line 3: .*line 2"),
        ("name,structure\n__,GTVt\n", "line 2: expected a structure's name"),
        ("name,structure\nGTV,my tumour\n", "line 2: 'my tumour' can be no structure"),
        ("name,structure\nGTV,../x\n", "line 2: '../x' can be no structure"),
        ("name,structure\nGTV,CT\n", "line 2: 'CT' can be no structure"),
        ("spelling,structure\nGTV,GTVt\n", "expected columns name, structure"),
        ("", "empty file"),
    ],
)
def test_errors_name_file_and_line(table, text, says):
    with pytest.raises(ValueError, match=says):
        read_aliases(table(text))


@pytest.mark.parametrize(("text", "says"), [("- GTV\n", "something else"), ("a: [", "expected a YAML file")])
def test_yaml_that_is_no_table(table, text, says):
    with pytest.raises(ValueError, match=says):
        read_aliases(table(text, "aliases.yml"))


def test_structures_that_differ_in_capitals_alone_become_one(table):
    assert read_aliases(table("name,structure\na1,Flap\nb1,FLAP\nc1,spinalcord\n")) == {
        "a1": "Flap",
        "b1": "Flap",
        "c1": "SpinalCord",
    }
