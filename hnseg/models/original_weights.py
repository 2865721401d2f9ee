"""Weights that the authors' own code saved, for the same networks under other parameter names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

PARALLEL_PREFIX = "module."  # put before every name by torch.nn.DataParallel


def strip_module_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors in the same order, without the ``module.`` that training on several devices leaves."""
    return {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in state.items()}


def load_original_weights(net: nn.Module, state_dict: Mapping[str, Any]) -> None:
    """Fill ``net`` from a state dict of github.com/iantsen/hecktor (or of any network of the same order of layers).

    ``state_dict`` is what ``best_model_weights.pt`` holds, or ``last_model_checkpoint.tar``, which keeps it beside the
    optimiser's state. Where the names are those of ``net``, tensors are taken by name; otherwise the k-th tensor of
    one belongs to the k-th of the other, because hnseg registers parameters in the order of the original code, and
    every shape is checked. Nothing is loaded where anything does not fit.

    Raises:
        ValueError: the number of tensors differs, or a shape; the message names the first that does not fit.
    """
    given = strip_module_prefix(_weights(state_dict))
    wanted = net.state_dict()
    if set(given) != set(wanted):
        if len(given) != len(wanted):
            raise ValueError(
                f"the weights hold {len(given)} tensors, {type(net).__name__} has {len(wanted)}; "
                "build the network that they were saved from"
            )
        names = dict(zip(wanted, given, strict=True))
    else:
        names = {name: name for name in wanted}
    for ours, theirs in names.items():
        if given[theirs].shape != wanted[ours].shape:
            raise ValueError(
                f"{theirs} has shape {tuple(given[theirs].shape)}, {type(net).__name__}.{ours} needs "
                f"{tuple(wanted[ours].shape)}; check the numbers of input channels, classes and filters"
            )
    net.load_state_dict({ours: given[theirs] for ours, theirs in names.items()})


def _weights(state: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """``state`` itself, or the one entry of a checkpoint that holds the model's tensors."""
    if all(isinstance(value, Tensor) for value in state.values()):
        return state
    for key in ("model_state_dict", "model", "state_dict"):
        entry = state.get(key)
        if isinstance(entry, Mapping) and all(isinstance(value, Tensor) for value in entry.values()):
            return entry
    raise ValueError(
        f"no weights found among {sorted(map(str, state))}; expected a state dict, or a checkpoint with one under "
        "model_state_dict, model or state_dict"
    )
