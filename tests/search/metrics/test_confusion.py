"""Which classes are taken for which."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from search.metrics.confusion import MOST_CLASSES, Confusion, confusion
from tests.search.metrics.test_classification import ANSWERS, TRUTH

LABELS = ("wing", "ring", "slope", "unknown")


def test_it_is_scikit_learns() -> None:
    """The matrix, and every class's precision, recall and F1."""
    made = confusion(LABELS, TRUTH, ANSWERS)
    assert made is not None
    assert np.array(made.counts).tolist() == metrics.confusion_matrix(TRUTH, ANSWERS).tolist()
    expected = metrics.precision_recall_fscore_support(TRUTH, ANSWERS)
    found = [(each.precision, each.recall, each.f1, each.n) for each in made.classes()]
    assert pytest.approx(np.array(expected)) == np.array(found).T
    assert [each.label for each in made.classes()] == list(LABELS)


def test_a_class_without_samples_or_answers_is_nothing() -> None:
    made = Confusion(labels=("a", "b"), counts=((3, 0), (0, 0)))
    first, second = made.classes()
    assert (first.precision, first.recall, first.f1, first.n) == (1.0, 1.0, 1.0, 3)
    assert (second.precision, second.recall, second.f1, second.n) == (0.0, 0.0, 0.0, 0)
    assert made.mistakes() == ()


def test_mistakes_by_how_frequent_they_are() -> None:
    made = Confusion(labels=("a", "b", "c"), counts=((3, 1, 0), (5, 2, 0), (0, 0, 4)))
    assert made.mistakes() == (("b", "a", 5), ("a", "b", 1))


def test_of_many_classes_none_is_kept() -> None:
    labels = tuple(map(str, range(MOST_CLASSES + 1)))
    assert confusion(labels, TRUTH, ANSWERS) is None
    assert confusion(labels[:-1], TRUTH, ANSWERS) is not None


@pytest.mark.parametrize("counts", [((1, 2),), ((1, 2), (3,)), ((1, 2), (3, -1))])
def test_what_is_no_matrix(counts: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="no confusion matrix"):
        Confusion(labels=("a", "b"), counts=counts)
