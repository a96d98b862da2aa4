"""What a run trains and is tested on, in words."""

from __future__ import annotations

from torch.utils.data import DataLoader

from sightline.hjepa.data.images import Batch, ImageSet
from sightline.hjepa.data.loaders import images_of
from sightline.hjepa.data.stream import ImageStream

NUM_NAMED = 20  # unreadable files


def describe_data(train_loader: DataLoader[Batch], val_loader: DataLoader[Batch]) -> str:
    """A table of the images, and the names of those that were left out.

    Args:
        train_loader: Serves the training images.
        val_loader: Serves the held-out images.

    Returns:
        Markdown.
    """
    rows = ["| part | images | classes | size | unreadable |", "|---|---|---|---|---|"]
    names: list[str] = []
    for part, loader in (("training", train_loader), ("held out", val_loader)):
        images, dataset = images_of(loader), loader.dataset
        is_stream = isinstance(dataset, ImageStream)
        num_images = dataset.split.num_images if isinstance(dataset, ImageStream) else len(images)
        rows.append(_row(part + " (streamed)" * is_stream, num_images, images))
        names += images.unreadable
    text = "\n".join(rows)
    if names:
        more = f"\n- and {len(names) - NUM_NAMED:,} more" if len(names) > NUM_NAMED else ""
        listed = "\n".join(f"- {name}" for name in names[:NUM_NAMED])
        text += f"\n\nLeft out, since they cannot be read:\n\n{listed}{more}"
    return text


def _row(part: str, num_images: int, images: ImageSet) -> str:
    size = " x ".join(map(str, images.images_NCHW.shape[1:]))
    num_unreadable = len(images.unreadable)
    cells = (part, f"{num_images:,}", f"{len(images.class_names):,}", size, f"{num_unreadable:,}")
    return f"| {' | '.join(cells)} |"
