import itertools
import threading

import datasets
import pytest
import torch

from sightline.hjepa import HJEPATrainer
from sightline.hjepa.data import create_dataloaders, images_of, order_of, stream
from tests.hjepa.data.conftest import dataset, numbers_in, streamed


def served(config, epoch=0, first_batch=0, **place):
    """Numbers of the images by batch, as (numbers, labels)."""
    loader, _ = create_dataloaders(config, **place)
    order_of(loader).start_at(epoch, first_batch)
    return [(numbers_in(images), labels.tolist()) for images, labels in loader]


def test_an_epoch_serves_an_image_at_most_once_in_whole_batches(make_parquet):
    batches = served(streamed(make_parquet(95)))
    assert [len(numbers) for numbers, _ in batches] == [8] * 11
    everything = list(itertools.chain(*(numbers for numbers, _ in batches)))
    assert len(set(everything)) == 88
    assert everything != sorted(everything)
    for numbers, labels in batches:
        assert labels == [number % 3 for number in numbers]


def test_the_order_is_a_function_of_seed_and_epoch_alone(make_parquet):
    config = streamed(make_parquet())
    whole = served(config, 1, seed=3)
    torch.rand(10)
    assert served(config, 1, seed=3) == whole
    assert served(config, 2, seed=3) != whole
    assert served(config, 1, seed=4) != whole


@pytest.mark.parametrize("first_batch", [1, 6, 11])
def test_an_epoch_started_in_the_middle_is_the_tail_of_the_whole(make_parquet, first_batch):
    config = streamed(make_parquet())
    assert served(config, 1, first_batch) == served(config, 1)[first_batch:]


def test_what_comes_before_the_start_is_not_decoded(make_parquet, monkeypatch):
    config = streamed(make_parquet(), max_probe_images=1, max_val_images=1)
    loader, _ = create_dataloaders(config)
    decoded = []
    decode = stream.decode
    monkeypatch.setattr(stream, "decode", lambda *args: (decoded.append(args), decode(*args))[1])
    order_of(loader).start_at(0, 10)
    assert len(list(loader)) == 1
    assert len(decoded) == 8


def test_the_order_does_not_depend_on_the_number_of_threads(make_parquet):
    folder = make_parquet()
    assert served(streamed(folder, num_workers=1)) == served(streamed(folder, num_workers=5))


@pytest.mark.parametrize(
    ("world_size", "num_images", "has_own_shards"),
    [(2, 80, True), (3, 90, True), (2, 90, False), (3, 75, False)],
)
def test_processes_share_an_epoch(make_parquet, world_size, num_images, has_own_shards):
    config = streamed(make_parquet(num_images, num_files=1), batch_size=5)
    parts = [served(config, rank=rank, world_size=world_size) for rank in range(world_size)]
    assert [len(part) for part in parts] == [num_images // 5 // world_size] * world_size
    by_rank = [[number for numbers, _ in part for number in numbers] for part in parts]
    assert sorted(itertools.chain(*by_rank)) == list(
        range(num_images // 5 // world_size * 5 * world_size)
    )
    groups = [{number // 10 for number in numbers} for numbers in by_rank]
    assert set.isdisjoint(*groups[:2]) == has_own_shards
    assert served(config, 0, 3, rank=1, world_size=world_size) == parts[1][3:]


def test_a_process_whose_part_runs_short_goes_on_with_another(make_parquet, monkeypatch):
    monkeypatch.setattr(stream, "ENOUGH_SHARDS", 1)
    folder = make_parquet(30, num_files=1)  # three groups of rows for two processes
    config = streamed(folder, batch_size=5)
    parts = [served(config, rank=rank, world_size=2) for rank in (0, 1)]
    assert [len(part) for part in parts] == [3, 3]
    assert served(config, 0, 2, rank=1, world_size=2) == parts[1][2:]


def unreadable(folder, bad, num=40):
    rows = dataset(range(num)).cast_column("image", datasets.Image(decode=False))
    column = [
        {"bytes": b"torn", "path": None} if number in bad else image
        for number, image in enumerate(rows["image"])
    ]
    rows = rows.remove_columns("image").add_column("image", column)
    for file in folder.glob("train*"):
        file.unlink()
    rows.cast_column("image", datasets.Image()).to_parquet(folder / "train.parquet", batch_size=10)


def test_an_unreadable_image_gives_its_place_to_another_of_its_batch(make_parquet, caplog):
    folder = make_parquet(40)
    config = streamed(folder, max_probe_images=1)
    whole = served(config)
    unreadable(folder, {whole[2][0][3]})
    assert served(config)[:2] == whole[:2]
    assert served(config)[3:] == whole[3:]
    numbers, labels = served(config)[2]
    assert numbers[:3] + numbers[4:] == whole[2][0][:3] + whole[2][0][4:]
    assert numbers[3] in numbers[:3] + numbers[4:]
    assert labels == [number % 3 for number in numbers]
    assert "1 of the 1,000 images of" in caplog.text
    assert served(config, 0, 1) == served(config)[1:]


def test_more_unreadable_images_than_are_allowed_end_the_run(make_parquet):
    folder = make_parquet(40)
    config = streamed(folder, max_probe_images=1, max_unreadable_share=0.004)
    [first] = numbers_in(images_of(create_dataloaders(config)[0]).images_NCHW)
    unreadable(folder, {number for number in range(8) if number != first})
    with pytest.raises(ValueError, match=r"at most 0\.004 of the 1,000 images .* got 5"):
        served(config)
    unreadable(folder, set(range(40)) - {first})
    with pytest.raises(ValueError, match="a whole batch that cannot be read"):
        served(streamed(folder, max_probe_images=1, max_unreadable_share=1))


def test_the_images_in_memory_are_few_and_of_all_files(make_parquet):
    config = streamed(make_parquet(95), max_probe_images=20, max_val_images=5)
    train_loader, val_loader = create_dataloaders(config)
    sample, held_out = images_of(train_loader), images_of(val_loader)
    assert (len(sample), len(held_out)) == (20, 5)
    numbers = numbers_in(sample.images_NCHW)
    assert min(numbers) < 47 <= max(numbers)
    assert torch.equal(
        sample.images_NCHW, images_of(create_dataloaders(config, seed=9)[0]).images_NCHW
    )


def test_fewer_images_than_a_batch_are_refused(make_parquet):
    with pytest.raises(ValueError, match=r"got 7 images of .* lower the batch size"):
        create_dataloaders(streamed(make_parquet(7, num_files=1)))


def test_no_thread_is_left_when_an_epoch_is_left_early(make_parquet):
    before = threading.active_count()
    loader, _ = create_dataloaders(streamed(make_parquet()))
    batches = iter(loader)
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_a_stopped_run_over_a_stream_resumes_as_if_it_had_not_stopped(make_parquet, tiny_config):
    settings = (
        *("data.dataset=hub", f"data.name={make_parquet(60)}", "data.streaming=true"),
        *("data.batch_size=20", "training.epochs=2", "data.shuffle_buffer=10"),
    )

    class StopsAtStep2(HJEPATrainer):
        def after_optimizer_step(self):
            if self.step == 2:
                self.stop("asked")
            return super().after_optimizer_step()

    whole = HJEPATrainer.from_config(tiny_config(*settings, "logging.experiment_name=whole"))
    assert whole.steps_per_epoch == 3
    whole.train()
    parts = tiny_config(*settings, "logging.experiment_name=parts")
    assert StopsAtStep2.from_config(parts).train().num_steps == 2
    second = HJEPATrainer.from_config(parts, resume="auto")
    assert second.train().num_steps == 6
    ours, theirs = second.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
