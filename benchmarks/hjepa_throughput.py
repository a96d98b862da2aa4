"""Images a second of a whole training step of H-JEPA, and where its time goes.

Targets on one H200, bfloat16: ViT-S/16 at 224 pixels 8,000 images a second, ViT-B/16 3,000; images,
masks, logging and moving average at most 5% of the time of a step; no wait for the device in a step
on which nothing is due. They are judged on a CUDA device alone; on a CPU the same numbers are
printed, and that there is no GPU.

The trainer runs as for users, with the preset `standard`; the images lie in the device's memory and
are the same each step. After a warm-up, steps are timed from one end of the device's queue to the
other. Then some are watched for waits, and some recorded by torch's profiler. Ends with status 1 if
a target is missed on a GPU.

    python -m benchmarks.hjepa_throughput [--size small] [--device auto] [--batch-size 512]
                                          [--precision bf16] [--steps 50] [--warm-up 10]
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.data import DataLoader

from sightline.callbacks import Callback
from sightline.hjepa import HJEPAConfig, HJEPATrainer, create_loss, create_masking, create_model
from sightline.hjepa import step as recipe
from sightline.hjepa.data import Batch, EpochBatches, ImageSet, in_order
from sightline.hjepa.encoder import SIZES
from sightline.hjepa.selection import Masks
from sightline.training import create_optimizer, load_config
from tests.hjepa.host_reads import HostReads

TARGETS = {"small": 8000, "base": 3000}
MOST_SHARE, NUM_WATCHED, NUM_PROFILED = 5.0, 2, 3
PARTS = ("images", "masks", "moving average", "logging")


@dataclass(frozen=True)
class SameImages(ImageSet):
    """Serves its first images each time, from where they lie; none is copied."""

    num_served: int = 0

    def __len__(self) -> int:
        """As many as the run needs."""
        return self.num_served

    def __getitem__(self, index: list[int]) -> Batch:
        """As many images as are asked for."""
        return self.images_NCHW[: len(index)], self.labels_N[: len(index)]


class Stages(Callback):
    """Times some steps, watches some for waits, and profiles some."""

    def __init__(self, warm_up: int, steps: int) -> None:
        self.begin, self.end = warm_up, warm_up + steps
        self.last = self.end + NUM_WATCHED + NUM_PROFILED
        self.parts = dict.fromkeys(PARTS, 0.0)
        self.waits: list[str] = []
        self.profile = profile(
            activities=[ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * torch.cuda.is_available()
        )

    def on_batch_begin(self, trainer: Any, batch: Any) -> None:
        """The step before is over, with all that watching it took."""
        step, device = trainer.step, trainer.fabric.device
        if step in {self.begin, self.end, self.end + NUM_WATCHED}:
            synchronize(device)
        if step == self.begin:
            self.parts = dict.fromkeys(PARTS, 0.0)
            self.wall, self.cpu = time.perf_counter(), time.process_time()
            self._logged = trainer.watching_seconds
        if step == self.end:
            self.wall, self.cpu = (
                time.perf_counter() - self.wall,
                time.process_time() - self.cpu,
            )
            self.parts["logging"] = trainer.watching_seconds - self._logged
            self._watch = waits(trainer, self.waits)
            self._watch.__enter__()
        if step == self.end + NUM_WATCHED:
            self._watch.__exit__(None, None, None)
            self._profiled = time.perf_counter()
            self.profile.__enter__()

    def on_train_end(self, trainer: Any) -> None:
        """The last step is over."""
        synchronize(trainer.fabric.device)
        self.profile.__exit__(None, None, None)
        self.profiled_seconds = time.perf_counter() - self._profiled

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, whose time counts for a part of the step."""

        def timed_call(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            with record_function(part):
                result = call(*args, **kwargs)
            self.parts[part] += time.perf_counter() - began
            return result

        return timed_call


def synchronize(device: torch.device) -> None:
    """Wait for the end of the device's queue."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def waits(trainer: Any, found: list[str]) -> Iterator[None]:
    """Note where the host waits for the device; on a CPU, where it would."""
    if trainer.fabric.device.type == "cuda":
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            yield
            torch.cuda.set_sync_debug_mode("default")
        found += [str(one.message) for one in caught if "synchroniz" in str(one.message)]
        return
    reads, move = HostReads(), Masks.to

    def to(masks: Masks, device: torch.device) -> Masks:
        moved = move(masks, device)
        reads.put_masks_on_device(moved)
        return moved

    reads.put_on_device([*trainer.model.parameters(), *trainer.model.buffers()])
    with mock.patch.object(Masks, "to", to), reads:
        yield
    found += reads.found


def train(arguments: argparse.Namespace, device: torch.device, folder: str) -> Stages:
    """Train for as many steps as the stages need."""
    stages = Stages(arguments.warm_up, arguments.steps)
    batch_size = arguments.batch_size
    settings = {
        "model.size": arguments.size,
        "model.patch_size": 16,
        "model.num_hierarchies": 3,
        "model.predictor.embed_dim": SIZES[arguments.size].width // 2,
        "model.predictor.depth": 6,
        "model.predictor.num_heads": SIZES[arguments.size].width // 64,
        "data.image_size": 224,
        "data.batch_size": batch_size,
        "training.epochs": 1,
        "training.warmup_epochs": 0,
        "training.precision": arguments.precision,
        "evaluation.eval_frequency": 1000,
        "checkpoint.save_frequency": 1000,
        "logging.preset": "standard",
        "logging.log_dir": folder,
    }
    config = load_config(HJEPAConfig, None, [f"{key}={value}" for key, value in settings.items()])
    images = torch.randint(0, 256, (batch_size, 3, 224, 224), dtype=torch.uint8)
    few = torch.randint(0, 256, (8, 3, 224, 224), dtype=torch.uint8)
    held_out = ImageSet(few, torch.arange(8), tuple(map(str, range(8))))
    labels = torch.zeros(batch_size, dtype=torch.int64, device=device)
    data = SameImages(images.to(device), labels, ("0",), num_served=stages.last * batch_size)
    model = create_model(config, held_out)
    trainer = HJEPATrainer(
        model,
        DataLoader(data, sampler=EpochBatches(len(data), batch_size, seed=0), batch_size=None),
        in_order(held_out, 8),
        create_optimizer(model, lr=1e-4, weight_decay=0.05),
        create_loss(config),
        create_masking(config, model.grid_size),
        config,
        device,
    )
    trainer.callbacks.callbacks = [
        stages,
        *(
            callback
            for callback in trainer.callbacks
            if type(callback).__name__ not in {"ProbeMonitor", "ProgressBarCallback"}
        ),
    ]
    trainer.masking_fn = stages.timed("masks", trainer.masking_fn)  # type: ignore[assignment]
    with (
        mock.patch.object(recipe, "affine", stages.timed("images", recipe.affine)),
        mock.patch.object(recipe, "ema_update", stages.timed("moving average", recipe.ema_update)),
    ):
        trainer.run()
    trainer.logger.close()
    return stages


def busy_seconds(recorded: profile) -> float:
    """Time in which at least one kernel ran on the GPU."""
    spans = sorted(
        (event.time_range.start, event.time_range.end)
        for event in recorded.events() or ()
        if event.device_type == DeviceType.CUDA
    )
    busy, until = 0.0, 0.0
    for begin, end in spans:
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    return busy / 1e6


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--precision", choices=("32", "bf16", "16"), default="bf16")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--warm-up", type=int, default=10)
    arguments = parser.parse_args()
    name = arguments.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    with tempfile.TemporaryDirectory() as folder:
        stages = train(arguments, device, folder)
    is_gpu = device.type == "cuda"
    where = torch.cuda.get_device_name(device) if is_gpu else f"{torch.get_num_threads()} threads"
    rate = arguments.steps * arguments.batch_size / stages.wall
    print(
        f"ViT-{arguments.size.title()}/16 at 224, {arguments.precision}, batch "
        f"{arguments.batch_size}, {arguments.steps} steps on {device} ({where})\n"
    )
    print(f"| what | value |\n|---|---|\n| images a second | {rate:,.2f} |")
    print(f"| ms a step | {1e3 * stages.wall / arguments.steps:.1f} |")
    if not is_gpu:
        print(f"| images a second of CPU time | {rate * stages.wall / stages.cpu:,.2f} |")
    for part, seconds in stages.parts.items():
        print(f"| {part}, share of the host's time | {100 * seconds / stages.wall:.2f}% |")
    share = 100 * sum(stages.parts.values()) / stages.wall
    print(f"| all of these | {share:.2f}% |")
    print(f"| waits for the device in {NUM_WATCHED} steps | {len(stages.waits)} |")
    if is_gpu:
        busy = busy_seconds(stages.profile) / stages.profiled_seconds
        print(f"| device busy while profiled | {100 * busy:.1f}% |")
    for wait in stages.waits:
        print(f"\nwait: {wait}")
    order = f"self_{'cuda' if is_gpu else 'cpu'}_time_total"
    print("\n```text")
    for line in stages.profile.key_averages().table(sort_by=order, row_limit=12).splitlines():
        print(line.rstrip())
    print("```\n")
    if not is_gpu:
        print("no GPU here: the targets are not judged")
        return 0
    holds = rate >= TARGETS.get(arguments.size, 0) and share <= MOST_SHARE and not stages.waits
    print("The targets are met." if holds else "A target is missed.")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
