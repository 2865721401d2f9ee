"""The models by name: how to make one, what its inner loop tries, and what is missing to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import Any

from hnseg.survival.objects import SurvivalModel


@dataclass(frozen=True)
class ModelKind:
    """A model that is imported when it is first needed.

    Attributes:
        module, name: where its class is.
        grid: parameters that the inner loop of a cross-validation chooses from, the first where there is none.
        log_hazard: whether its risk is a log hazard ratio whose scale the inner loop is to judge, too: by the partial
            likelihood, where the C-index sees nothing but order and would shrink without end.
        package, extra: what must be installed, and the optional dependency of hnseg that brings it; empty: comes along.
    """

    module: str
    name: str
    grid: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    package: str = ""
    extra: str = ""
    log_hazard: bool = False

    def load(self) -> type[Any]:
        """The class, imported."""
        found: type[Any] = getattr(import_module(self.module), self.name)
        return found

    def make(self, seed: int, **parameters: Any) -> SurvivalModel:
        """A model to be fitted; one that is not random takes no notice of the seed."""
        seeded = {"seed": seed} if "seed" in signature(self.load()).parameters else {}
        made: SurvivalModel = self.load()(**seeded, **parameters)
        return made

    def read(self, plain: Mapping[str, Any]) -> SurvivalModel:
        """The fitted model of a plain state; ValueError where it is none of this kind."""
        read: SurvivalModel = self.load().from_plain(plain)
        return read

    def missing(self) -> str | None:
        """A sentence where a package is not installed."""
        if not self.package or find_spec(self.package) is not None:
            return None
        return f"{self.name} needs {self.package}, which is not installed; install hnseg with the extra {self.extra!r}"


_HERE = "hnseg.survival.models"
MODELS: dict[str, ModelKind] = {
    "cox": ModelKind(
        f"{_HERE}.cox", "CoxPH", [{"penalizer": penalizer} for penalizer in (0.0, 0.01, 0.1)], log_hazard=True
    ),
    "rsf": ModelKind(
        f"{_HERE}.forest",
        "RandomSurvivalForest",
        [{"min_leaf": 15}, {"min_leaf": 5}, {"trees": 10, "min_leaf": 1}],
        "sksurv",
        "forest",
    ),
    "deepsurv": ModelKind(f"{_HERE}.deepsurv", "DeepSurv", [{"decay": 0.01}, {"decay": 0.1}]),
    "deephit": ModelKind(f"{_HERE}.deephit", "DeepHit", [{"sigma": 1.0}, {"sigma": 0.1}]),
}


def kind_of(model: SurvivalModel) -> str:
    """The name under which a model is registered."""
    for name, kind in MODELS.items():
        if (type(model).__module__, type(model).__name__) == (kind.module, kind.name):
            return name
    raise TypeError(f"{type(model).__name__} is no registered model")
