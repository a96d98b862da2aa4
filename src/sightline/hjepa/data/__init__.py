"""Images to train on and to test on, and the loaders that serve them in a reproducible order."""

from sightline.hjepa.data.digits import load_digits
from sightline.hjepa.data.folder import load_folder
from sightline.hjepa.data.images import Batch, ImageSet
from sightline.hjepa.data.loaders import create_dataloaders, images_of, in_order, order_of
from sightline.hjepa.data.order import EpochBatches
from sightline.hjepa.data.report import describe_data
from sightline.hjepa.data.sources import load_images
from sightline.hjepa.data.stream import ImageStream

__all__ = [
    "Batch",
    "EpochBatches",
    "ImageSet",
    "ImageStream",
    "create_dataloaders",
    "describe_data",
    "images_of",
    "in_order",
    "load_digits",
    "load_folder",
    "load_images",
    "order_of",
]
