"""A checkpoint explains itself: weights, and as plain data all that prediction needs to know.

The file is a Lightning checkpoint: a dictionary that ``torch.load(weights_only=True)`` reads. Prediction uses two of
its keys: ``state_dict``, with the network's weights under the prefix ``net.``, and ``hnseg``, which `checkpoint_entry`
writes and `load_checkpoint` reads. This file alone knows that format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

import hnseg
from hnseg import clicks as click_channels
from hnseg.clicks import ClickChannels, NoClicks
from hnseg.inference.data_only import first_lines, load_as_data
from hnseg.inference.networks import build_network, refuse_untrusted
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.postprocess import Postprocess
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import Recipe

FORMAT = 3
"""Raised when an older hnseg could not read what this one writes, or would read it as something else."""
READABLE = (1, 2, 3)
"""1 knew neither mirroring as a setting nor post-processing, 2 no clicks: a file of such a format has none of them."""
NETWORK_PREFIX = "net."
KEYS = ("format", "net", "labels", "recipe", "normalization", "inference", "threshold", "phantom", "config", "version")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network and what it needs to be applied; the network itself is built on demand.

    Attributes:
        path: the file it came from.
        net: ``_target_`` and arguments of the network.
        state_dict: weights by their names in the network.
        labels: the structures it outlines.
        recipe: how a study is prepared for it, search region included.
        normalization: what each patch or window goes through first.
        inference: one pass or windows.
        threshold: a structure is where its probability is above this.
        phantom: whether it was trained on hnseg's phantom.
        config: the run's resolved configuration.
        version: of hnseg when it was written.
        postprocess: what is done to its answer; a chain without steps in files from before there was any.
        clicks: how it is shown clicks; `NoClicks` where it takes none.
        trust: packages outside hnseg that the user trusts.
    """

    path: Path
    net: Mapping[str, Any]
    state_dict: Mapping[str, Tensor] = field(repr=False)
    labels: LabelSet
    recipe: Recipe
    normalization: Normalization
    inference: InferenceSettings
    threshold: float
    phantom: bool
    config: Mapping[str, Any] = field(repr=False)
    version: str
    postprocess: Postprocess = field(default_factory=Postprocess)
    clicks: ClickChannels | NoClicks = field(default_factory=NoClicks)
    trust: tuple[str, ...] = ()

    def build_network(self) -> nn.Module:
        """The network with its weights, in evaluation mode, on the CPU.

        Raises:
            ValueError: the network cannot be built, or its weights are not those in the file.
        """
        network = build_network(self.net, str(self.path), self.trust)
        try:
            network.load_state_dict(self.state_dict)
        except RuntimeError as error:
            raise ValueError(
                f"{self.path}: the weights are not those of {self.net['_target_']} with the file's arguments; it was "
                f"changed, or written by another version of hnseg ({self.version}): {first_lines(error)}"
            ) from error
        return network.eval().requires_grad_(False)


def checkpoint_entry(
    *,
    net: Mapping[str, Any],
    labels: LabelSet,
    recipe: Recipe,
    normalization: Normalization,
    inference: InferenceSettings,
    config: Mapping[str, Any],
    threshold: float = 0.5,
    phantom: bool = False,
    postprocess: Mapping[str, Any] | None = None,
    clicks: ClickChannels | NoClicks | None = None,
) -> dict[str, Any]:
    """What training puts under ``checkpoint["hnseg"]``; plain data only.

    Args:
        net: ``{"_target_": "hnseg.models.UNet", **arguments}``, interpolations resolved.
        labels: the structures and how channels stand for them.
        recipe: how the cases were prepared.
        normalization: what patches went through.
        inference: how the network is to be applied.
        config: the run's resolved configuration as dictionaries, lists, strings and numbers.
        threshold: a structure is where its probability is above this.
        phantom: whether any training case was a phantom.
        postprocess: what is done to the network's answer, as `Postprocess.to_dict` writes it; None: nothing.
        clicks: how the network is shown clicks; None: not at all.

    Raises:
        ValueError: ``postprocess`` names a step that is not hnseg's, or settings that it does not take.
    """
    return {
        "format": FORMAT,
        "net": dict(net),
        "labels": {"names": list(labels.names), "activation": labels.activation},
        "recipe": recipe.to_dict(),
        "normalization": normalization.to_dict(),
        "inference": inference.to_dict(),
        "threshold": float(threshold),
        "phantom": bool(phantom),
        "postprocess": Postprocess.from_dict(postprocess, "the configuration").to_dict(),
        "clicks": (clicks or NoClicks()).to_dict(),
        "config": dict(config),
        "version": hnseg.__version__,
    }


def load_checkpoint(path: str | Path, trust: Sequence[str] = ()) -> Checkpoint:
    """Read a checkpoint as data: no code in it is run, no name in it is imported.

    Args:
        path: the file.
        trust: packages outside hnseg whose networks may be built from it.

    Raises:
        ValueError: the file is not there, is damaged, holds or names foreign code, or is not a checkpoint of hnseg.
    """
    path = Path(path)
    content = load_as_data(path)
    entry, state = content.get("hnseg"), content.get("state_dict")
    if not isinstance(entry, Mapping) or not isinstance(state, Mapping):
        missing = "'hnseg'" if isinstance(state, Mapping) else "'state_dict'"
        raise ValueError(f"{path} is not a checkpoint of hnseg: it has no {missing}; give one that hnseg train wrote")
    written_by = entry.get("format")
    if written_by not in READABLE:
        raise ValueError(
            f"{path} has checkpoint format {written_by!r}, this hnseg reads {list(READABLE)}; update hnseg"
        )
    absent = [key for key in KEYS if key not in entry]
    if absent:
        raise ValueError(f"{path}: the checkpoint's description lacks {absent}; it was cut or changed by hand")
    net = dict(entry["net"]) if isinstance(entry["net"], Mapping) else {}
    refuse_untrusted(net.get("_target_"), str(path), trust)
    weights = {name.removeprefix(NETWORK_PREFIX): w for name, w in state.items() if name.startswith(NETWORK_PREFIX)}
    try:
        checkpoint = Checkpoint(
            path=path,
            net=net,
            state_dict=weights,
            labels=LabelSet(tuple(entry["labels"]["names"]), entry["labels"]["activation"]),
            recipe=Recipe.from_dict(entry["recipe"]),
            normalization=Normalization.from_dict(entry["normalization"]),
            inference=InferenceSettings.from_dict(entry["inference"]),
            threshold=float(entry["threshold"]),
            phantom=bool(entry["phantom"]),
            config=entry["config"],
            version=str(entry["version"]),
            postprocess=Postprocess.from_dict(entry.get("postprocess"), path.name),
            clicks=click_channels.from_dict(entry.get("clicks")),
            trust=tuple(trust),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: the checkpoint's description cannot be read: {error}") from error
    if checkpoint.labels.names != checkpoint.recipe.label_names or not 0 <= checkpoint.threshold <= 1:
        raise ValueError(
            f"{path}: the checkpoint's description contradicts itself (labels {list(checkpoint.labels.names)}, "
            f"recipe for {list(checkpoint.recipe.label_names)}, threshold {checkpoint.threshold})"
        )
    return checkpoint
