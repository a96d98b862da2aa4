import itertools

import pytest
import torch

from sightline.hjepa.data import EpochBatches


def epoch_of(batches, epoch, first_batch=0):
    batches.start_at(epoch, first_batch)
    return list(batches)


def test_an_epoch_serves_an_image_at_most_once_in_whole_batches():
    batches = EpochBatches(23, 5, seed=0)
    epoch = epoch_of(batches, 0)
    served = [number for batch in epoch for number in batch]
    assert [len(batch) for batch in epoch] == [5] * len(batches) == [5] * 4
    assert len(set(served)) == 20
    assert set(served) <= set(range(23))


def test_the_images_left_over_are_others_in_other_epochs():
    batches = EpochBatches(23, 5, seed=0)
    served = [set().union(*epoch_of(batches, epoch)) for epoch in range(20)]
    assert set().union(*served) == set(range(23))
    assert len(set(map(frozenset, served))) > 1


def test_an_epoch_started_in_the_middle_is_the_tail_of_the_whole():
    batches = EpochBatches(100, 8, seed=0)
    whole = epoch_of(batches, 3)
    for first_batch in (0, 1, 7, len(whole)):
        assert epoch_of(batches, 3, first_batch) == whole[first_batch:]


def test_the_order_is_a_function_of_seed_and_epoch_alone():
    whole = epoch_of(EpochBatches(100, 8, seed=1), 2)
    other = EpochBatches(100, 8, seed=1)
    epoch_of(other, 7)
    torch.rand(100)
    assert epoch_of(other, 2) == whole
    assert epoch_of(other, 3) != whole
    assert epoch_of(EpochBatches(100, 8, seed=2), 2) != whole


def test_fewer_images_than_a_batch_are_refused():
    assert len(EpochBatches(8, 8, seed=0)) == 1
    with pytest.raises(ValueError, match=r"got 7 images and data\.batch_size=8"):
        EpochBatches(7, 8, seed=0)


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_processes_share_an_epoch_as_one_with_a_larger_batch_would_serve_it(world_size):
    parts = [
        epoch_of(EpochBatches(100, 8, seed=0, rank=rank, world_size=world_size), 2)
        for rank in range(world_size)
    ]
    together = [list(itertools.chain(*batches)) for batches in zip(*parts, strict=True)]
    assert together == epoch_of(EpochBatches(100, 8 * world_size, seed=0), 2)


def test_every_process_resumes_in_the_middle():
    batches = EpochBatches(100, 8, seed=0, rank=1, world_size=3)
    assert len(batches) == 4
    assert epoch_of(batches, 3, 2) == epoch_of(batches, 3)[2:]


def test_fewer_images_than_a_batch_in_each_process_are_refused():
    assert len(EpochBatches(16, 8, seed=0, rank=1, world_size=2)) == 1
    with pytest.raises(ValueError, match=r"got 15 images and .*=8 in each of 2 processes"):
        EpochBatches(15, 8, seed=0, rank=1, world_size=2)
