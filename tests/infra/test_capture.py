"""The one fixture that runs a program cannot pass silently."""

from __future__ import annotations

import pulumi
import pytest
from capture import run
from pulumi_azure_native import managedidentity


def _identity(**more):
    return managedidentity.UserAssignedIdentity("id", resource_name_="id", resource_group_name="rg", **more)


def test_a_false_assertion_inside_apply_fails_the_run():
    def body():
        def check(name):
            assert name == "another"

        pulumi.export("checked", _identity().name.apply(check))

    with pytest.raises(AssertionError, match="another"):
        run(body)


def test_a_program_that_makes_nothing_fails_the_run():
    with pytest.raises(AssertionError, match="made nothing"):
        run(lambda: None)


def test_options_that_mocks_do_not_see_are_captured():
    captured = run(lambda: _identity(opts=pulumi.ResourceOptions(protect=True, ignore_changes=["location"])) and None)
    assert captured.resources[0].protect
    assert captured.resources[0].ignored == ("location",)
