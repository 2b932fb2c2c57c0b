from __future__ import annotations

import pytest

from pytest_deploycheck.errors import UnprovenError
from pytest_deploycheck.handles.health import TargetHealth


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "No load balancer forwards to the target groups"),
        (("one.example", "two.example"), "2 load balancers .*: one.example, two.example"),
    ],
)
def test_one_name_of_several_load_balancers_is_not_known(names: tuple[str, ...], words: str) -> None:
    """`dns_name` is the only one that there is: of none or of several it is unproven, and `dns_names` has all."""
    health = TargetHealth((), lambda: names)
    assert health.dns_names == names
    with pytest.raises(UnprovenError, match=words):
        _ = health.dns_name
    assert TargetHealth((), lambda: ("only.example",)).dns_name == "only.example"
