"""Names against Azure's table, for every prefix that is let through."""

from __future__ import annotations

import re
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from infra.names import FORMS, name_faults, names, suffix

# The issue's own table of names, written a second time on purpose: (shortest, longest, form, where unique).
AZURE = {
    "storage": (3, 24, r"[a-z0-9]{3,24}"),
    "vault": (3, 24, r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]*[a-zA-Z0-9]"),
    "images": (5, 50, r"[a-zA-Z0-9]{5,50}"),
    "workspace": (3, 33, r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}"),
    "kubernetes": (1, 63, r"[a-zA-Z0-9_-]{1,63}"),
    "cluster": (3, 24, r"[a-zA-Z](?!.*-([^a-zA-Z]|$))[a-zA-Z0-9-]{2,23}"),
    "gpu_cluster": (3, 24, r"[a-zA-Z](?!.*-([^a-zA-Z]|$))[a-zA-Z0-9-]{2,23}"),
}
PREFIXES = st.from_regex(r"\A[a-z][a-z0-9-]{0,14}\Z")
REPOSITORIES = st.from_regex(r"\A[a-zA-Z0-9_.-]{1,20}/[a-zA-Z0-9_.-]{1,20}\Z")


@given(PREFIXES, st.sampled_from(["dev", "prod"]), REPOSITORIES)
def test_a_name_that_is_let_through_has_azures_form(prefix, stack, repository):
    made = names(prefix, stack, suffix(repository))
    if not name_faults(made):
        for field, (shortest, longest, form) in AZURE.items():
            name = asdict(made)[field]
            assert shortest <= len(name) <= longest
            assert re.fullmatch(form, name)


@given(PREFIXES, REPOSITORIES)
def test_a_refused_name_is_one_that_azure_refuses(prefix, repository):
    made = names(prefix, "prod", suffix(repository))
    broken = [
        field
        for field, name in asdict(made).items()
        if not (FORMS[field][0] <= len(name) <= FORMS[field][1] and re.fullmatch(FORMS[field][2], name))
    ]
    assert len(name_faults(made)) == len(broken)


@given(REPOSITORIES)
def test_the_suffix_stays_and_starts_with_a_letter(one):
    assert suffix(one) == suffix(one.upper())
    assert re.fullmatch("[a-z][a-z0-9]{4}", suffix(one))


def test_a_hundred_repositories_have_a_hundred_suffixes():
    assert len({suffix(f"contoso/models-{number}") for number in range(100)}) == 100


def test_the_default_prefix_gives_names_that_azure_takes():
    for stack in ("shared", "dev", "prod"):
        assert not name_faults(names("mlops", stack, "a1b2c"))


def test_a_name_too_long_after_its_suffix_says_by_how_much():
    (first, *_) = name_faults(names("a-very-long-prefix", "prod", "a1b2c"))
    assert "characters of at most 24: shorten `prefix` by" in first


def test_a_compute_instance_is_named_after_its_person_within_24_characters():
    name = names("mlops", "dev", "a1b2c").instance("AAAAAAAA-0000-0000-0000-000000000001")
    assert re.fullmatch(AZURE["cluster"][2], name)
