import io

import numpy as np
import pytest
from PIL import Image

from sightline.hjepa.data.decoding import UnreadableImageError, decode, image_suffixes


def photograph(size=(640, 480)):
    """Smooth, as photographs are."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, **{"format": "JPEG", "quality": 95, **options})
    return file.getvalue()


def test_the_endings_are_those_of_formats_with_a_decoder():
    suffixes = image_suffixes()
    assert {".jpg", ".jpeg", ".png", ".webp", ".tif", ".bmp", ".gif", ".jp2", ".avif"} <= suffixes
    # The first cannot be read at all, the others are known by name only.
    assert not {".pdf", ".h5", ".grib", ".bufr", ".wmf", ".mpg"} & suffixes


def test_a_large_jpeg_is_decoded_at_a_fraction_and_looks_the_same():
    image = photograph()
    fraction = decode(encoded(image), 32)
    whole = decode(encoded(image, format="PNG"), 32)
    difference = np.abs(fraction.astype(int) - whole)
    assert difference.max() <= 6
    assert difference.mean() < 1


def test_an_image_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its right side
    image = photograph((64, 64))
    turned = decode(encoded(image.rotate(90), exif=exif), 16).astype(int)
    assert np.abs(turned - decode(encoded(image), 16)).max() <= 12


def test_one_channel_is_the_luminance():
    image = Image.new("RGB", (9, 9), (255, 0, 0))
    pixels = decode(encoded(image, format="PNG"), 4, channels=1)
    assert pixels.shape == (1, 4, 4)
    assert (pixels == 76).all()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # by which Pillow tells of damage, too
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "JPEG2000", "AVIF"])
def test_whatever_is_done_to_a_file_it_is_read_or_said_to_be_unreadable(kind):
    rng = np.random.default_rng(0)
    whole = encoded(photograph((40, 30)), format=kind)
    for _ in range(60):
        bytes_now = bytearray(whole)
        for place in rng.integers(0, min(len(whole), int(rng.choice([64, 10_000]))), 3):
            bytes_now[place] = rng.integers(0, 256)
        if rng.random() < 0.3:
            del bytes_now[rng.integers(0, len(whole)) :]
        try:
            pixels = decode(bytes(bytes_now), 8)
        except UnreadableImageError:
            continue
        assert pixels.shape == (3, 8, 8)


def test_a_picture_that_unpacks_to_more_than_the_memory_is_not_unpacked():
    with pytest.raises(UnreadableImageError, match="decompression bomb"):
        decode(b"qoif" + (2**20).to_bytes(4, "big") * 2 + bytes([3, 0]) + bytes(100), 8)
