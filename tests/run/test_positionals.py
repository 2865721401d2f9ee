import random

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from hnseg.run.positionals import KEYS, LISTS, expand_flags, expand_values, expand_words, quoted


def read_by_hydra(override: str) -> object:
    parsed = OverridesParser.create().parse_override(override)
    config = OmegaConf.create({parsed.key_or_group: None})
    OmegaConf.update(config, parsed.key_or_group, parsed.value())
    return OmegaConf.to_container(config, resolve=True)[parsed.key_or_group]


def test_every_list_is_a_key() -> None:
    assert set(LISTS) <= set(KEYS.values())


@pytest.mark.parametrize("word", ["runs/train/a", "2024", "null", "a b", "it's", "a,b", "[x]", "~/runs/a", "a:b", "ü"])
def test_one_word_arrives_as_it_was_typed(word) -> None:
    (override,) = expand_words("report", [word])
    assert read_by_hydra(override) == word


def test_several_words_are_a_list() -> None:
    first, last = expand_words("compare", ["a b", "truth=x", "c,d", "e"]), expand_words("compare", ["one"])
    assert first[1:] == ["truth=x"]
    assert read_by_hydra(first[0]) == ["a b", "c,d", "e"]
    assert read_by_hydra(last[0]) == ["one"]


def test_any_text_survives_hydras_grammar() -> None:
    letters = random.Random(0)
    for _ in range(3000):
        word = "".join(letters.choices("\\\\'${}$a:.,[]= \"", k=letters.randint(1, 9)))
        assert read_by_hydra(f"run={quoted(word)}") == word, word
        assert read_by_hydra(f"inputs=[{quoted(word)},{quoted('b')}]") == [word, "b"], word


@pytest.mark.parametrize(
    "arguments",
    [["a=b", "+c=d", "~e", "~f.g=h"], ["--cfg", "job"], ["-c", "job", "--resolve"], ["--help"], ["hydra/launcher=x"]],
)
def test_what_hydra_understands_is_left_alone(arguments) -> None:
    assert expand_words("report", arguments) == arguments
    assert expand_words("train", arguments) == arguments


def test_words_go_with_options() -> None:
    assert expand_words("report", ["--cfg", "job", "a"]) == ["run='a'", "--cfg", "job"]
    assert expand_words("reproduce", ["some2020_net", "table=1"]) == ["experiment='some2020_net'", "table=1"]


def test_a_folder_of_a_sweep_is_a_word_where_it_is_there(tmp_path) -> None:
    folder = tmp_path / "lr=0.1"
    assert expand_words("report", [str(folder)]) == [str(folder)]
    folder.mkdir()
    assert read_by_hydra(expand_words("report", [str(folder)])[0]) == str(folder)


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("evaluate", ["masks"], "hnseg evaluate takes key=value"),
        ("report", ["a", "b"], "takes one run, found 'a b'"),
        ("report", ["a", "run=b"], "run="),
        ("compare", ["a", "+inputs=[b]"], "inputs="),
    ],
)
def test_words_that_fit_nowhere_are_an_error(command, arguments, said) -> None:
    with pytest.raises(ValueError, match=said):
        expand_words(command, arguments)


def test_a_file_is_no_choice_of_a_group_of_the_same_name() -> None:
    given = ["clicks=runs/a=b.csv", "input=clicks=x", "--cfg", "job", "clicks.file=y", "word"]
    assert expand_values("predict", given) == ["clicks.file=runs/a=b.csv", *given[1:]]
    assert expand_values("train", given) == given


def test_a_list_of_formats_is_no_sweep() -> None:
    assert expand_values("predict", ["save=rtstruct,seg", "input=a,b"]) == ["save=[rtstruct,seg]", "input=a,b"]
    assert expand_values("predict", ["save=[seg]", "save=nifti"]) == ["save=[seg]", "save=[nifti]"]
    assert expand_values("train", ["save=a,b"]) == ["save=a,b"]


def test_a_flag_is_short_for_a_key_of_its_own_command() -> None:
    assert expand_flags("import", ["dicom=x", "--dry-run"]) == ["dicom=x", "dry_run=true"]
    assert expand_flags("train", ["--dry-run"]) == ["--dry-run"]
