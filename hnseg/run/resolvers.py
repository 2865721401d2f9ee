"""What a configuration file may compute: a length, a sum, and the name of a run. Nothing else belongs into YAML."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from omegaconf import DictConfig, OmegaConf

NOT_IDENTITY = (
    *("hydra", "paths", "resume", "name", "title", "logger", "callbacks", "test", "postprocess", "cv"),
    *("overwrite", "trust", "workers", "data.prepare_workers", "survival.workers", "click_scores"),
)
"""What may differ between two starts of a run: where it lies, how many processes serve it, what follows on training."""


def run_hash(config: DictConfig, *keys: str) -> str:
    """Eight hex digits of everything in a configuration that decides what is trained, or of these keys of it."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    counting = keys or [str(key) for key in plain if key not in NOT_IDENTITY]
    kept = {key: plain[key] for key in counting}
    for group, values in kept.items():
        if isinstance(values, dict):
            kept[group] = {key: value for key, value in values.items() if f"{group}.{key}" not in NOT_IDENTITY}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:8]


def register_resolvers() -> None:
    """Idempotent: tests and several commands of one process may call it."""
    OmegaConf.register_new_resolver("len", len, replace=True)
    OmegaConf.register_new_resolver("add", lambda *numbers: sum(numbers), replace=True)
    OmegaConf.register_new_resolver("run_hash", lambda *keys, _root_: run_hash(_root_, *keys), replace=True)


def to_plain(config: Any) -> dict[str, Any]:
    """Everything resolved, as plain dicts and lists."""
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return plain  # type: ignore[return-value]
