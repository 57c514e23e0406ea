"""A plan that was stopped leaves a certified answer, and goes on from its checkpoint to the same bits."""

import threading
from pathlib import Path

import pytest

import equipoise as eq

from .oracle.check import rows
from .test_interrupt import long_plan


def test_a_cancelled_plan_is_certified_and_goes_on_to_the_same_policy(tmp_path: Path) -> None:
    inputs = long_plan(rows=2_000)
    whole = eq.plan(*inputs, holdout=0, progress=False)
    stop = threading.Event()
    stop.set()
    checkpoint = tmp_path / "plan.checkpoint"
    stopped = eq.plan(*inputs, holdout=0, progress=False, checkpoint=checkpoint, cancel=stop)
    assert stopped.status == "cancelled"
    assert stopped.certificate.value <= stopped.certificate.upper_bound
    assert stopped.certificate.worst_violation <= 1e-6
    resumed = eq.plan(*inputs, holdout=0, progress=False, checkpoint=checkpoint)
    assert resumed.status == whole.status == "solved"
    assert rows(resumed.prices) == rows(whole.prices)
    assert resumed.policy.id == whole.policy.id


def test_a_checkpoint_of_other_inputs_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "plan.checkpoint"
    stop = threading.Event()
    stop.set()
    eq.plan(*long_plan(rows=2_000), holdout=0, progress=False, checkpoint=checkpoint, cancel=stop)
    before = checkpoint.read_bytes()
    with pytest.raises(eq.Error) as error:
        eq.plan(*long_plan(rows=2_100), holdout=0, progress=False, checkpoint=checkpoint)
    assert error.value.code == "invalid_input.foreign_file"
    assert checkpoint.read_bytes() == before
