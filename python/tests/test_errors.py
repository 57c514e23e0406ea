"""The exception tree: one base, codes, places, pickling, and panics that stay inside."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import equipoise as eq
from equipoise import _native


def test_every_exception_derives_from_the_base() -> None:
    for each in (eq.InvalidInput, eq.PolicyError, eq.UsageError, eq.ResourceExhausted, eq.InternalError):
        assert issubclass(each, eq.Error)
    assert issubclass(eq.InvalidInput, ValueError)
    assert not issubclass(eq.InternalError, ValueError)


def test_an_error_says_what_and_where_and_survives_pickling() -> None:
    with pytest.raises(eq.Error) as caught:
        eq.Problem.from_toml("objectives = 3\n")
    error = caught.value
    assert type(error) is eq.InvalidInput
    assert error.code == "invalid_input.syntax"
    assert error.index is None
    assert str(error).startswith("invalid_input.syntax: ")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is eq.InvalidInput
    assert (str(again), again.code, again.argument, again.index, again.faults) == (
        str(error),
        error.code,
        error.argument,
        error.index,
        error.faults,
    )


def test_a_panic_is_an_internal_error_and_the_process_lives() -> None:
    script = (
        "import equipoise as eq\n"
        "from equipoise import _native\n"
        "for _ in range(1000):\n"
        "    try:\n"
        "        _native._panic()\n"
        "    except eq.InternalError as error:\n"
        "        assert error.code == 'internal.panic' and 'injected' in str(error)\n"
        "print(eq.Problem.from_dict({'objectives': {'v': 1.0}}).to_dict()['objectives'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'v': 1.0}\n"


def test_a_panic_on_the_planning_thread_is_an_internal_error() -> None:
    script = (
        "import equipoise as eq\n"
        "from equipoise import _native\n"
        "try:\n"
        "    _native._panic_supervised()\n"
        "except eq.InternalError as error:\n"
        "    print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "internal.panic\n"), done.stderr


def test_a_wrong_argument_is_named_with_its_value() -> None:
    error = _native.invalid_input("progress", "auto, True or False", "loud")
    assert error.argument == "progress"
    assert "'loud'" in str(error)
