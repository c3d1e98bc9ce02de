"""Seeds depend on what they are for and on nothing else."""

from __future__ import annotations

from search.seeds import seed_of


def test_equal_parts_equal_seed_and_other_parts_another() -> None:
    """The parts are kept apart: ("ab", "c") is not ("a", "bc")."""
    assert seed_of(1, "train", 7) == seed_of(1, "train", 7)
    seeds = {seed_of(1, "ab", "c"), seed_of(1, "a", "bc"), seed_of(2, "ab", "c"), seed_of(1, "ab")}
    assert len(seeds) == 4


def test_seeds_fit_what_takes_them() -> None:
    """NumPy, Keras and Optuna take 0 to 2**31 - 1."""
    assert all(0 <= seed_of(number) < 2**31 for number in range(200))
