"""The loader of H-JEPA on folders of images: how long a training step waits for its batch.

Claim, for ViT-Tiny on the CPU, at 64 pixels (photographs, if a folder is given) and at 224 pixels
(JPEGs of 500 x 375, made here):

- less than 5% of the time of training goes into waiting for data, once images are decoded.

Beside it, in turns, in another order each round: the same images decoded each time they are used,
by torch's `DataLoader` and Pillow, without and with worker processes; and our stream of a Parquet
file, which also decodes each time. How fast a cold cache fills and how fast a warm one opens are
printed first. A step is augmentation, forward, loss, backward, AdamW and EMA. Ends with status 1 if
the claim is broken.

    python -m benchmarks.hjepa_loader [--photos FOLDER] [--rounds 5] [--threads 2]
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sightline.hjepa import HJEPAConfig, create_loss, create_masking, create_model
from sightline.hjepa.augmentation import affine, draw_affine
from sightline.hjepa.data import create_dataloaders, load_images, order_of
from sightline.hjepa.data.folder import find_images, held_out_folder
from sightline.hjepa.pixels import unit_range
from sightline.training import create_optimizer, load_config
from sightline.training.averaging import ema_update

MOST_SHARE = 0.05
SIZES = {
    64: ("model.patch_size=8", "data.batch_size=8"),
    224: ("model.patch_size=16", "data.batch_size=4"),
}
STEPS = {64: 6, 224: 3}  # in a round
Step = Callable[[Tensor], None]
Epochs = Iterator[Any]


class Files(Dataset[tuple[Tensor, int]]):
    """Images that are decoded each time, one by one."""

    def __init__(self, folder: Path, image_size: int) -> None:
        images = find_images(folder)
        self.labels = images.labels_N.tolist()
        self.files = [images.read(number) for number in range(len(self.labels))]
        self.image_size = image_size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        with Image.open(self.files[number]) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            square = ImageOps.fit(upright, (self.image_size, self.image_size))
        pixels = torch.from_numpy(np.array(square)).permute(2, 0, 1).contiguous()
        return pixels, self.labels[number]


def make_photographs(folder: Path, num_images: int = 256) -> None:
    """JPEGs of 500 x 375, about 60 kB each: smooth shapes under a little noise."""
    rng = np.random.default_rng(0)
    for number in range(num_images):
        small = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        picture = np.asarray(Image.fromarray(small).resize((500, 375), Image.Resampling.BICUBIC))
        noisy = np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
        part = "val" if number % 16 == 0 else "train"
        file = folder / part / f"class{number % 4}" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy).save(file, quality=90)


def make_parquet(photos: Path, folder: Path) -> None:
    """The same images as Parquet files, as Hugging Face keeps them."""
    import datasets

    datasets.disable_progress_bars()
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    folder.mkdir()
    for part, source in (("train", photos / "train"), ("val", held_out_folder(photos))):
        images = find_images(source)
        labels = images.labels_N.tolist()
        files = [str(images.read(number)) for number in range(len(labels))]
        rows = datasets.Dataset.from_dict({"image": files, "label": labels}, features=kinds)
        rows.to_parquet(str(folder / f"{part}.parquet"), batch_size=100)


def settings(image_size: int, *more: str) -> HJEPAConfig:
    """ViT-Tiny for images of a size."""
    return load_config(
        HJEPAConfig,
        None,
        (
            *("model.size=tiny", "model.predictor.embed_dim=96", "model.predictor.depth=4"),
            f"data.image_size={image_size}",
            *SIZES[image_size],
            *more,
        ),
    )


def training_step(config: HJEPAConfig, images: Any) -> Step:
    """What is done with a batch."""
    torch.manual_seed(0)
    model = create_model(config, images)
    masking, loss_fn = create_masking(config, model.grid_size), create_loss(config)
    optimizer = create_optimizer(model, lr=1e-4, weight_decay=0.05)
    generator = torch.Generator().manual_seed(0)

    def step(pixels: Tensor) -> None:
        moves = draw_affine(len(pixels), config.data.augmentation, generator)
        views = affine(unit_range(pixels), moves)
        outputs = model(views, masking(len(views), generator))
        loss_fn(outputs.predictions, outputs.targets, outputs.scored).total.backward()
        optimizer.step()
        optimizer.zero_grad()
        ema_update(model.target_encoder, model.context_encoder, 0.996)

    return step


def epochs_of(loader: DataLoader[Any]) -> Epochs:
    """Batches for ever."""
    epoch = 0
    while True:
        if not isinstance(loader.dataset, Files):
            order_of(loader).start_at(epoch)
        yield from loader
        epoch += 1


def measure(photos: Path, image_size: int, rounds: int, scratch: Path) -> bool:
    """Time one size; whether the claim holds."""
    folder = ("data.dataset=folder", f"data.data_path={photos}", f"data.cache_dir={scratch}/cache")
    config = settings(image_size, *folder)
    opening = []
    for _ in ("cold", "warm"):
        began = time.perf_counter()
        images, held_out = load_images(config.data)
        opening.append(time.perf_counter() - began)
    num_images = len(images) + len(held_out)
    print(
        f"\n{image_size} pixels, batch {config.data.batch_size}: {num_images:,} images; a cold "
        f"cache fills at {num_images / opening[0]:,.0f} images a second ({opening[0]:.1f} s), a "
        f"warm one opens in {opening[1]:.2f} s.\n"
    )
    make_parquet(photos, scratch / f"parquet{image_size}")
    parquet = f"data.name={scratch}/parquet{image_size}"
    one_thread = ("data.num_workers=1", "data.max_probe_images=32", "data.max_val_images=32")
    stream = settings(image_size, "data.dataset=hub", "data.streaming=true", parquet, *one_thread)
    peer = {"batch_size": config.data.batch_size, "shuffle": True, "drop_last": True}
    files = Files(photos / "train", image_size)
    epochs: dict[str, Epochs] = {
        "ours, decoded once": epochs_of(create_dataloaders(config.data)[0]),
        "ours, streamed, 1 thread": epochs_of(create_dataloaders(stream.data)[0]),
        "torch and Pillow, no worker": epochs_of(DataLoader(files, **peer)),
        "torch and Pillow, 2 workers": epochs_of(
            DataLoader(files, **peer, num_workers=2, persistent_workers=True)
        ),
    }
    step = training_step(config, images)
    shares: dict[str, list[float]] = {name: [] for name in epochs}
    rates: dict[str, list[float]] = {name: [] for name in epochs}
    order = list(epochs)
    shuffle = random.Random(0)  # the order of turns
    for number in range(rounds + 1):
        shuffle.shuffle(order)
        for name in order:
            waited, began = 0.0, time.perf_counter()
            for _ in range(STEPS[image_size]):
                asked = time.perf_counter()
                pixels, _ = next(epochs[name])
                waited += time.perf_counter() - asked
                step(pixels)
            seconds = time.perf_counter() - began
            if number:  # the first round warms up, and starts the workers
                shares[name].append(waited / seconds)
                rates[name].append(STEPS[image_size] * config.data.batch_size / seconds)
    print("| loader | waiting for data, median (range) | images a second, median (range) |")
    print("|---|---|---|")
    for name in epochs:
        share, rate = sorted(shares[name]), sorted(rates[name])
        print(
            f"| {name} | {statistics.median(share):.2%} ({share[0]:.2%} to {share[-1]:.2%}) "
            f"| {statistics.median(rate):.1f} ({rate[0]:.1f} to {rate[-1]:.1f}) |",
            flush=True,
        )
    return statistics.median(shares["ours, decoded once"]) < MOST_SHARE


def main() -> int:
    """Make images, time, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, help="folder with train/ and val/ or validation/")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made")
        make_photographs(made)
        print(f"{arguments.threads} threads, {arguments.rounds} rounds.")
        holds = [
            measure(photos, size, arguments.rounds, Path(folder))
            for size, photos in ((64, arguments.photos or made), (224, made))
        ]
    print(f"\n{'The claim holds.' if all(holds) else 'The claim is broken.'}")
    return int(not all(holds))


if __name__ == "__main__":
    sys.exit(main())
