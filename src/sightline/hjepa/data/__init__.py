"""Images to train on and to test on, and the loaders that serve them in a reproducible order."""

from sightline.hjepa.data.digits import load_digits
from sightline.hjepa.data.folder import load_folder
from sightline.hjepa.data.images import Batch, ImageSet
from sightline.hjepa.data.loaders import create_dataloaders, in_order
from sightline.hjepa.data.order import EpochBatches
from sightline.hjepa.data.sources import load_images

__all__ = [
    "Batch",
    "EpochBatches",
    "ImageSet",
    "create_dataloaders",
    "in_order",
    "load_digits",
    "load_folder",
    "load_images",
]
