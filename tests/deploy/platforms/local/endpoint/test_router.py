"""How requests are dealt out."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from deploy.platforms.local.endpoint.router import Turn


@given(st.integers(0, 100), st.integers(1, 400))
def test_after_any_number_of_requests_the_shares_are_held_to_within_two(percent, requests):
    turn, shares = Turn(), {name: p for name, p in {"new": percent, "old": 100 - percent}.items() if p}
    counted = Counter(turn.choose(shares) for _ in range(requests))
    assert set(counted) <= set(shares)
    assert abs(counted["new"] - requests * percent / 100) <= 2


@given(st.integers(1, 50), st.integers(1, 400))
def test_a_mirror_gets_its_share_and_leaves_the_others_out(percent, requests):
    turn = Turn()
    counted = Counter(turn.choose({"new": percent}) for _ in range(requests))
    assert abs(counted["new"] - requests * percent / 100) <= 2
    assert counted["new"] + counted[None] == requests
