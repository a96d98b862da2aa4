"""Print docs/tags.md: `python -m sightline.catalogue > docs/tags.md`."""

import sys

from sightline.catalogue.reference import page

sys.stdout.write(page())
