"""The LightningModule that trains any segmentation network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from hnseg.clicks import ClickChannels, NoClicks
from hnseg.evaluate.cases import evaluate_case
from hnseg.inference import InferenceSettings, Runner, to_patient_grid
from hnseg.labels import LabelSet
from hnseg.metrics.cases import CaseDice
from hnseg.mixup import Mixup, NoMixup, Part
from hnseg.models.original_weights import load_original_weights
from hnseg.modules.clicking import clicked_by_robot, seeded, whole_case_clicks
from hnseg.prepare import Case
from hnseg.prepare.intensity import Normalization
from hnseg.types import Batch, Clicks, TrainingCounts

LOGIT_EPS = 1e-6
"""Probabilities of whole cases are kept this far from 0 and 1 before they become logits again for the loss."""
SLICES = 8
"""Slices of a whole case that a 2-D network sees at a time."""
MIXUP = 1
"""Keeps the draws of mixup apart from those of the samples, which have the same seed."""


class SegmentationModule(pl.LightningModule):
    """Normalise, predict, compare: the same for training patches and for whole patients.

    Args:
        net: a network of :mod:`hnseg.models`, or any module from (B, C, *s) to logits (B, K, *s).
        labels: the structures and how channels stand for them.
        loss: ``loss(logits, target, counts)``, see :mod:`hnseg.losses`; of a network with deep supervision it gets the
            list of logits.
        normalization: the deterministic part of what the network sees.
        optimizer: parameters to an optimizer.
        scheduler: ``{"scheduler": optimizer -> scheduler, "interval": "epoch" | "step"}``.
        inference: how whole patients are predicted.
        mixup: how the samples of a training batch are blended.
        clicks: how the network is shown clicks, if it takes any.
        seed: of whatever is random within a step (dropout and mixup, say); sampling has its own.
        compile: compile the network.
        channels_last: keep the network's memory channels-last.
        weights: a file of weights to start from, as the network's authors published them.
    """

    def __init__(
        self,
        net: nn.Module,
        labels: LabelSet,
        loss: nn.Module,
        normalization: Normalization,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Mapping[str, Any],
        inference: InferenceSettings,
        mixup: Mixup | None = None,
        clicks: ClickChannels | NoClicks | None = None,
        seed: int = 0,
        compile: bool = False,
        channels_last: bool = False,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        if (wanted := getattr(net, "activation", None) or labels.activation) != labels.activation:
            raise ValueError(
                f"model.net: the output of this {type(net).__name__} is no logit but the answer itself; add "
                f"data.activation={wanted} and a loss for it (loss=keras_bce)"
            )
        _refuse_encoding(net, clicks)
        if weights:
            load_original_weights(net, torch.load(weights, map_location="cpu", weights_only=True))
        self.net, self.loss, self.labels = net, loss, labels
        self.normalization, self.inference = normalization, inference
        self.mixup, self.clicks = mixup or NoMixup(), clicks or NoClicks()
        self.threshold = 0.5
        self._optimizer, self._scheduler, self._seed = optimizer, dict(scheduler), seed
        self._memory_format = _memory_format(channels_last, normalization.spatial_dims)
        self.net.to(memory_format=self._memory_format)  # type: ignore[call-overload]
        if compile:
            self.net.compile()  # in place: the weights keep their names

    def configure_optimizers(self) -> Any:
        if not any(True for _ in self.net.parameters()):
            return None  # a method without weights
        optimizer = self._optimizer(self.parameters())
        return {
            "optimizer": optimizer,
            "lr_scheduler": {**self._scheduler, "scheduler": self._scheduler["scheduler"](optimizer)},
        }

    def setup(self, stage: str) -> None:
        split = self.trainer.datamodule.split  # type: ignore[attr-defined]
        self._dice = CaseDice(split.val if stage == "fit" else split.test, self.labels.names)
        teach((self.mixup, *self.loss.modules()), self.trainer.datamodule.training_counts)  # type: ignore[attr-defined]

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """(B, C, *s) in HU and SUV, clicks behind, to logits (B, K, *s); of deep supervision in training a list."""
        return self._predict(self.normalization(image))

    def _predict(self, inputs: Tensor) -> Tensor | list[Tensor]:
        return self.net(inputs.contiguous(memory_format=self._memory_format))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make the step's randomness a function of (seed, step, process), so that a resumed run draws the same."""
        key = np.random.SeedSequence([self._seed, self.global_step, self.global_rank]).generate_state(1, np.uint64)
        torch.manual_seed(int(key[0]))
        self._tell_epoch(*self.trainer.optimizers)

    def on_train_epoch_end(self) -> None:
        """Step a plateau before the newest checkpoint is written; Lightning would do it after, and resuming lose it."""
        for plan in self.trainer.lr_scheduler_configs:
            if plan.reduce_on_plateau and (self.current_epoch + 1) % plan.frequency == 0:
                plan.scheduler.step(float(self.trainer.callback_metrics[str(plan.monitor)]))  # type: ignore[arg-type]

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        if not isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            super().lr_scheduler_step(scheduler, metric)

    def on_validation_start(self) -> None:
        self._tell_epoch()

    def _tell_epoch(self, *others: object) -> None:
        """What changes with the epoch is told which one it is, so that it needs no memory of its own to resume."""
        for part in (*others, *self.loss.modules()):
            if hasattr(part, "at_epoch"):
                part.at_epoch(self.current_epoch)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        # the same on all devices, each of which pairs its own samples
        rng = seeded(self._seed, self.current_epoch, batch_idx, MIXUP)
        image = batch["image"]
        if self.clicks.simulate == "robot":
            key = self._seed, self.current_epoch, batch_idx
            image = clicked_by_robot(batch, self.clicks, lambda shown: self._answer(shown, batch["annotated"]), *key)
        mixed = self.mixup(self.normalization(image), batch["target"], batch["annotated"], rng)
        loss = self._step(self._predict(mixed.inputs), mixed.parts, "train", on_step=True)
        self.log("lr", self.trainer.optimizers[0].param_groups[0]["lr"], on_step=True)
        return loss

    def _answer(self, image: Tensor, annotated: Tensor) -> Tensor:
        """Label maps of a batch, as prediction would have them, of the structures that somebody looked for."""
        self.net.eval()
        with torch.no_grad():
            probabilities = self.labels.activate(cast(Tensor, self(image)))
            answer = self.labels.decode(probabilities, self.threshold, annotated)
        self.net.train()
        return answer

    def validation_step(self, case: dict[str, Any], batch_idx: int) -> None:
        case = scored_slices(case)  # no other slice says anything about an epoch
        self._whole_case(case, "val", whole_case_clicks(case, self.clicks, "val", self._seed))

    def test_step(self, case: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Scores on the patient's own grid, in mm: what :class:`hnseg.modules.TestRecorder` writes down."""
        clicks = whole_case_clicks(case, self.clicks, "test", self._seed)
        probabilities = self._whole_case(case, "test", clicks)
        prepared = Case.open(Path(case["folder"]))
        mask = to_patient_grid(probabilities, prepared.grid, prepared.image_grid, self.labels, self.threshold)
        truth = prepared.truth()
        assert truth is not None, f"{prepared.case_id} has no truth to be tested against"
        rows = evaluate_case(
            mask, truth, self.labels.names, prepared.annotated, case_id=prepared.case_id, centre=prepared.centre
        )
        given = {"clicks": len(clicks)} if self.clicks.channels else {}
        return {"mask": mask, "rows": [{**row, **given, "phantom": prepared.phantom} for row in rows]}

    def on_validation_epoch_end(self) -> None:
        self._log_dice("val")

    def on_test_epoch_end(self) -> None:
        self._log_dice("test")

    def _step(self, logits: Tensor | list[Tensor], parts: Sequence[Part], stage: str, on_step: bool = False) -> Tensor:
        """The loss of a batch, in all three stages; of a mixed one the sum over the targets that it was mixed of."""
        losses = [
            part.weight * self.loss(logits, self.labels.encode(part.target), self.labels.counts(part.annotated))
            for part in parts
        ]
        loss: Tensor = torch.stack(losses).sum()
        self.log(
            f"{stage}/loss",
            loss,
            on_step=on_step,
            on_epoch=not on_step,
            prog_bar=True,
            batch_size=len(parts[0].target),
            sync_dist=True,  # of the whole batch, on however many devices
        )
        return loss

    def _whole_case(self, case: dict[str, Any], stage: str, clicks: Clicks) -> Tensor:
        """Probabilities (channels, Z, Y, X) of a whole prepared case; its loss and Dice are logged on the way."""
        probabilities = self.runner(stage)(case["image"], clicks=clicks)
        scored = case["slices"]
        target, annotated = case["target"][None, scored], case["annotated"][None]
        answer = probabilities[None, :, scored]
        self._step(_logits(answer, self.labels), [Part(1.0, target, annotated)], stage)
        prediction = self.labels.decode(answer, self.threshold, annotated)
        self._dice.to(self.device).update([case["case_id"]], prediction, target, annotated)
        return probabilities

    def runner(self, stage: str = "test") -> Runner:
        """The network as prediction uses it: one pass over a box, windows over anything larger.

        Validation leaves mirroring out, which would take eight times as long every epoch.
        Mixed precision is the trainer's business here, so the runner itself runs in the precision around it.
        """
        recipe = self.trainer.datamodule.recipe  # type: ignore[attr-defined]
        return Runner(
            self.net,
            self.labels,
            self.normalization,
            replace(self.inference, tta="none") if stage == "val" else self.inference,
            whole_up_to_zyx=recipe.box_shape_zyx,
            device=self.device,
            batch_size=SLICES if self.normalization.spatial_dims == 2 else 1,
            clicks=self.clicks,
        )

    def _log_dice(self, stage: str) -> None:
        scores = self._dice.compute()  # sums over all processes
        self.log(f"{stage}/dice", scores.pop("mean").float(), prog_bar=True)
        if len(scores) > 1:
            self.log_dict({f"{stage}/dice_{name}": value.float() for name, value in scores.items()})
        self._dice.reset()


def teach(parts: Iterable[object], count: Callable[[], TrainingCounts]) -> None:
    """Let those parts that learn from the training patients do so; counts nothing where none does."""
    pupils: list[Any] = [part for part in parts if hasattr(part, "learn")]
    counts = count() if pupils else None
    for pupil in pupils:
        pupil.learn(counts)


def _refuse_encoding(net: nn.Module, clicks: ClickChannels | NoClicks | None) -> None:
    """Some methods read clicks off the channels, and can do so from some encodings alone."""
    wanted = getattr(net, "click_encodings", None)
    if wanted and isinstance(clicks, ClickChannels) and type(clicks.encoding).__name__ not in wanted:
        raise ValueError(
            f"{type(net).__name__} reads no clicks off a {type(clicks.encoding).__name__}; choose clicks=point"
        )


def scored_slices(case: dict[str, Any]) -> dict[str, Any]:
    """A whole case without the slices that are not scored."""
    kept = {name: case[name][..., case["slices"], :, :] for name in ("image", "target")}
    return {**case, **kept, "slices": slice(None)}


def _memory_format(channels_last: bool, spatial_dims: int) -> torch.memory_format:
    if not channels_last:
        return torch.contiguous_format
    return torch.channels_last_3d if spatial_dims == 3 else torch.channels_last


def _logits(probabilities: Tensor, labels: LabelSet) -> Tensor:
    """Logits that activate to these probabilities (B, channels, *s)."""
    if labels.activation == "identity":
        return probabilities.float()
    kept = probabilities.float().clamp(LOGIT_EPS, 1 - LOGIT_EPS)
    return kept.logit() if labels.activation == "sigmoid" else kept.log()
