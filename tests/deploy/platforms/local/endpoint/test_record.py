"""An endpoint's record survives its own file."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.platforms.local.endpoint.record import Made, Record, read_record, write_record
from deploy.release.state import ModelRef, Tags

TEXT = st.text(max_size=10)
MODELS = st.builds(ModelRef, TEXT, TEXT, TEXT)
TAGS = st.builds(Tags, st.lists(MODELS, max_size=3).map(tuple), st.dictionaries(TEXT, TEXT, max_size=3))
SHARES = st.dictionaries(TEXT, st.integers(1, 100), max_size=2)
MADE = st.dictionaries(TEXT, st.builds(Made, TEXT, MODELS, TEXT), max_size=3)


@given(st.builds(Record, TEXT, st.integers(0, 65535), MADE, SHARES, SHARES, TAGS))
def test_what_is_written_is_read_again(tmp_path_factory, record):
    folder = tmp_path_factory.mktemp("record")
    write_record(folder, record)
    assert read_record(folder) == record
    assert [path.name for path in folder.iterdir()] == ["endpoint.json"]


def test_where_there_is_none_there_is_none(tmp_path):
    assert read_record(tmp_path) is None
