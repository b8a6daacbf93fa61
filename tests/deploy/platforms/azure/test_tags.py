"""What is written on an endpoint fits into Azure's tags, and is read back as it was."""

import string

from hypothesis import given
from hypothesis import strategies as st

from deploy.platforms.azure.tags import LONGEST, MOST_TAGS, PROBLEM, decode, encode
from deploy.release.plan import KEPT_GOOD
from deploy.release.state import ModelRef, Tags

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(string.ascii_lowercase + "-", min_size=1, max_size=32)
MODELS = st.builds(ModelRef, NAMES, st.integers(1, 10**6).map(str), DIGESTS)
GOOD = st.lists(MODELS, max_size=KEPT_GOOD, unique_by=lambda model: model.digest).map(tuple)
FORBIDDEN = set("<>%&\\?/")  # in the name of a tag


def tags(reasons, most=60):
    return st.builds(Tags, GOOD, st.dictionaries(DIGESTS, reasons, max_size=most))


OTHERS = st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=20), st.text(max_size=50), max_size=10)
SHORT = st.text(string.printable, max_size=180).map(lambda text: " ".join(text.split()))


@given(tags(SHORT, most=15), OTHERS)
def test_what_fits_is_read_as_it_was_written(wanted, others):
    assert decode(encode(wanted, others)) == wanted


@given(tags(st.text(max_size=600)), OTHERS)
def test_whatever_is_written_azure_takes(wanted, others):
    written = encode(wanted, others)
    assert len(written) <= MOST_TAGS
    assert all(len(value) <= LONGEST for value in written.values())
    assert not any(FORBIDDEN & set(name) for name in written if name not in others)


@given(tags(st.text(max_size=600)), OTHERS)
def test_what_has_no_room_is_what_is_longest_ago(wanted, others):
    read = decode(encode(wanted, others))
    assert read.last_good == wanted.last_good
    assert wanted.good[len(wanted.good) - len(read.good) :] == read.good
    assert list(wanted.rejected)[len(wanted.rejected) - len(read.rejected) :] == list(read.rejected)


@given(tags(SHORT), OTHERS, tags(SHORT))
def test_tags_of_others_stay_and_older_ones_of_ours_do_not(earlier, others, later):
    kept = {**others, PROBLEM: "flight-delay"}
    again = encode(later, encode(earlier, kept))
    assert again == encode(later, kept)
    assert kept.items() <= again.items()


@given(tags(SHORT), OTHERS, tags(SHORT))
def test_a_service_that_keeps_what_is_not_named_does_no_harm(earlier, others, later):
    merged = {**encode(earlier, others), **encode(later, others)}
    assert decode(merged) == decode(encode(later, others))


def test_an_endpoint_that_no_release_has_touched_has_no_tags_of_ours():
    assert decode({"team": "flights"}) == Tags()
