"""From a configuration to a model, its masks and its objective."""

from __future__ import annotations

from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.data import ImageSet
from sightline.hjepa.encoder import VisionTransformer
from sightline.hjepa.loss import HierarchicalLoss
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.predictor import Predictor
from sightline.hjepa.projector import Projector
from sightline.hjepa.regularization import Regularizer


def create_model(config: HJEPAConfig, train_images: ImageSet) -> HJEPAModel:
    """The model that a configuration describes, freshly initialised from the global generator.

    Args:
        config: The whole configuration.
        train_images: What it will be trained on: it sets the channels and the pixel statistics.

    Returns:
        The model, on the CPU.
    """
    return assemble(config, Standardize.fit(train_images.images_NCHW))


def assemble(config: HJEPAConfig, standardize: Standardize) -> HJEPAModel:
    """The model that a configuration describes, for images of known pixel statistics.

    Args:
        config: The whole configuration.
        standardize: Brings images to mean 0 and deviation 1.

    Returns:
        The model, on the CPU, freshly initialised from the global generator.
    """
    size = config.model
    encoder = VisionTransformer(
        image_size=config.data.image_size,
        patch_size=size.patch_size,
        standardize=standardize,
        width=size.embed_dim,
        depth=size.depth,
        num_heads=size.num_heads,
        positions=size.positions,
        layer_scale=size.layer_scale,
        is_checkpointed=size.activation_checkpointing,
    )
    predictor = Predictor(
        grid_size=encoder.grid_size,
        encoder_width=size.embed_dim,
        width=size.predictor.embed_dim,
        depth=size.predictor.depth,
        num_heads=size.predictor.num_heads,
        positions=size.positions,
        layer_scale=size.layer_scale,
        is_checkpointed=size.activation_checkpointing,
    )
    head = size.projection
    return HJEPAModel(
        encoder,
        predictor,
        num_levels=size.num_hierarchies,
        fusion=size.fusion,
        target_depths=size.target_depths,
        target_encoder=size.target_encoder,
        projector=None if head is None else Projector(size.embed_dim, **head.model_dump()),
    )


def create_masking(config: HJEPAConfig, grid_size: tuple[int, int]) -> MultiBlockMasking:
    """The mask sampler that a configuration describes.

    Args:
        config: The whole configuration.
        grid_size: Patches (rows, columns) of the model.

    Returns:
        The sampler.
    """
    masking = config.masking
    return MultiBlockMasking(
        grid_size,
        num_masks=masking.num_masks,
        mask_scale=masking.mask_scale,
        aspect_ratio=masking.aspect_ratio,
        context_scale=masking.context_scale,
        placement=masking.placement,
    )


def create_loss(config: HJEPAConfig) -> HierarchicalLoss:
    """The objective that a configuration describes.

    Args:
        config: The whole configuration.

    Returns:
        The loss.
    """
    return HierarchicalLoss(
        config.loss.type,
        weights=config.loss.hierarchy_weights,
        target_norm=config.loss.target_norm,
    )


def create_regularizer(config: HJEPAConfig) -> Regularizer | None:
    """What a configuration adds to the objective.

    Args:
        config: The whole configuration.

    Returns:
        The regulariser; None if there is none.
    """
    settings = config.loss.regularization
    if settings.type is None:
        return None
    return Regularizer(settings.type, num_directions=settings.num_directions)
