from dataclasses import fields

import pytest

from hnseg.io.dicom.objects import Limits


@pytest.mark.parametrize("value", [0, -1, "300", None, True, float("nan"), float("inf")])
@pytest.mark.parametrize("name", [limit.name for limit in fields(Limits)])
def test_a_limit_that_limits_nothing_or_everything_is_an_error_that_names_it(name, value):
    with pytest.raises(ValueError, match=rf"^limits\.{name} is .* above 0$"):
        Limits(**{name: value})


def test_seconds_alone_may_be_broken():
    assert Limits(seconds=0.2).seconds == 0.2
    assert Limits(seconds=7).seconds == 7
    with pytest.raises(ValueError, match="whole number"):
        Limits(file_mib=0.5)
