import itertools

import pytest
import torch

from sightline.hjepa.data import (
    EpochBatches,
    ImageSet,
    create_dataloaders,
    images_of,
    in_order,
    load_digits,
    order_of,
)
from sightline.hjepa.data.loaders import LoaderAhead
from sightline.hjepa.data_config import DataConfig


def numbers(num):
    """Images whose pixels and labels are their numbers."""
    images = torch.arange(num, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2)
    return ImageSet(images, torch.arange(num), ("only",))


def test_the_loaders_serve_what_the_images_are():
    train_loader, val_loader = create_dataloaders(DataConfig(batch_size=128), seed=0)
    train, test = load_digits()
    batches = list(train_loader)
    assert len(train_loader) == len(batches) == 11
    order = list(EpochBatches(1437, 128, seed=0))
    for (images, labels), numbers_of_batch in zip(batches, order, strict=True):
        assert images.shape == (128, 1, 8, 8)
        assert images.dtype == torch.uint8
        assert labels.dtype == torch.int64
        assert torch.equal(images, train.images_NCHW[numbers_of_batch])
        assert torch.equal(labels, train.labels_N[numbers_of_batch])
    assert torch.equal(torch.cat([images for images, _ in val_loader]), test.images_NCHW)


def test_the_training_order_follows_the_seed():
    def first(seed):
        return next(iter(create_dataloaders(DataConfig(), seed=seed)[0]))[1]

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_the_training_loader_can_be_started_in_the_middle():
    loader = create_dataloaders(DataConfig(batch_size=128))[0]
    loader.sampler.start_at(4)
    whole = [labels for _, labels in loader]
    loader.sampler.start_at(4, 6)
    tail = [labels for _, labels in loader]
    assert len(tail) == 5
    assert all(map(torch.equal, tail, whole[6:]))


def test_held_out_images_come_in_order_and_the_last_batch_may_be_smaller():
    loader = in_order(numbers(23), 5)
    for _ in range(2):
        batches = [labels.tolist() for _, labels in loader]
        assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
        assert list(itertools.chain(*batches)) == list(range(23))


def test_a_batch_is_one_indexing():
    images, labels = numbers(9)[[4, 0, 7]]
    assert labels.tolist() == [4, 0, 7]
    assert images[:, 0, 0, 0].tolist() == [4, 0, 7]
    assert len(numbers(9)) == 9


def test_the_processes_of_a_run_share_the_training_images_and_hold_out_the_same():
    parts = [
        create_dataloaders(DataConfig(batch_size=64), rank=rank, world_size=2) for rank in (0, 1)
    ]
    whole, held_out = create_dataloaders(DataConfig(batch_size=128))
    for first, second, both in zip(*(train for train, _ in parts), whole, strict=True):
        assert torch.equal(torch.cat([first[0], second[0]]), both[0])
    for _, val in parts:
        assert sum(len(labels) for _, labels in val) == len(held_out.dataset)


def test_a_loader_that_works_ahead_serves_the_same_and_starts_in_the_middle_too():
    images = numbers(50)
    plain, ahead = (
        kind(images, sampler=EpochBatches(50, 8, seed=0), batch_size=None)
        for kind in (torch.utils.data.DataLoader, LoaderAhead)
    )
    for epoch, first_batch in ((0, 0), (1, 3), (1, 6)):
        for loader in (plain, ahead):
            order_of(loader).start_at(epoch, first_batch)
        ours, theirs = ([labels.tolist() for _, labels in loader] for loader in (ahead, plain))
        assert ours == theirs
        assert len(ours) == 6 - first_batch


def test_other_data_sets_are_refused_by_name():
    with pytest.raises(TypeError, match="ImageSet, got one over a list"):
        images_of(torch.utils.data.DataLoader([1, 2]))
