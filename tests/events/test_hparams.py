from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tensorboard.plugins.hparams import metadata

from sightline.events import hparams_value

texts = st.text(st.characters(codec="utf-8"), max_size=12)


@given(
    st.dictionaries(texts, st.booleans() | st.floats(allow_nan=False) | texts, max_size=8),
    texts,
    st.floats(0, 1e10),
)
def test_tensorboard_reads_every_setting_with_its_type(
    settings: dict[str, bool | float | str], group_name: str, start_secs: float
) -> None:
    value = hparams_value(settings, start_secs=start_secs, group_name=group_name)
    assert value.metadata is not None
    start = metadata.parse_session_start_info_plugin_data(value.metadata.content)
    read = {name: getattr(one, one.WhichOneof("kind")) for name, one in start.hparams.items()}
    assert read == settings
    assert {name: type(one) for name, one in read.items()} == {
        name: type(one) for name, one in settings.items()
    }
    assert (start.group_name, start.start_time_secs) == (group_name, start_secs)
