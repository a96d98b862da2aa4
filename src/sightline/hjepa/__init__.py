"""H-JEPA: a hierarchical joint-embedding predictive architecture for images."""

from sightline.hjepa.build import create_loss, create_masking, create_model
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.data import ImageSet, create_dataloaders, load_images
from sightline.hjepa.encoder import VisionTransformer
from sightline.hjepa.evaluation import evaluate_encoder
from sightline.hjepa.export import load_encoder
from sightline.hjepa.loss import HierarchicalLoss, LevelLosses
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.outputs import HJEPAOutput
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.predictor import Predictor
from sightline.hjepa.selection import Masks, Selection
from sightline.hjepa.summary import HJEPASummary
from sightline.hjepa.trainer import HJEPATrainer

__all__ = [
    "HJEPAConfig",
    "HJEPAModel",
    "HJEPAOutput",
    "HJEPASummary",
    "HJEPATrainer",
    "HierarchicalLoss",
    "ImageSet",
    "LevelLosses",
    "Masks",
    "MultiBlockMasking",
    "Predictor",
    "Selection",
    "Standardize",
    "VisionTransformer",
    "create_dataloaders",
    "create_loss",
    "create_masking",
    "create_model",
    "evaluate_encoder",
    "load_encoder",
    "load_images",
]
