from sightline.hjepa import HJEPATrainer
from sightline.hjepa.data import ImageSet, create_dataloaders, describe_data, in_order, load_digits
from sightline.hjepa.data_config import DataConfig
from tests.hjepa.data.conftest import streamed


def test_images_and_classes_of_both_parts_are_counted():
    rows = describe_data(*create_dataloaders(DataConfig())).splitlines()
    assert rows[2:] == [
        "| training | 1,437 | 10 | 1 x 8 x 8 | 0 |",
        "| held out | 360 | 10 | 1 x 8 x 8 | 0 |",
    ]


def test_of_a_stream_all_images_are_counted(make_parquet):
    loaders = create_dataloaders(streamed(make_parquet(95), max_probe_images=5, max_val_images=6))
    assert "| training (streamed) | 95 | 3 |" in describe_data(*loaders)


def test_unreadable_files_are_counted_and_some_are_named():
    digits = load_digits()[0]
    images = ImageSet(
        digits.images_NCHW,
        digits.labels_N,
        digits.class_names,
        tuple(f"{number}.jpg (torn)" for number in range(1, 1001)),
    )
    text = describe_data(in_order(images, 9), in_order(digits, 9))
    assert "| training | 1,437 | 10 | 1 x 8 x 8 | 1,000 |" in text
    assert "- 20.jpg (torn)" in text
    assert "21.jpg" not in text
    assert text.endswith("- and 980 more")


def test_a_run_notes_it_once(tiny_config, read_python):
    config = tiny_config("training.epochs=2", "training.stop_after_epochs=1")
    run_dir = HJEPATrainer.from_config(config).train().run_dir
    longer = tiny_config("training.epochs=2")
    HJEPATrainer.from_config(longer, resume="auto").train()
    [(step, text)] = read_python(run_dir).series["."]["run/data"]
    assert step == 0
    assert "1,437" in str(text)
