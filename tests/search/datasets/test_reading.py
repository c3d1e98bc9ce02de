"""Files are read by several threads, in order, with progress."""

from __future__ import annotations

import threading

import pytest

from search.datasets import reading


def test_in_order_by_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results come in the order of the items, whichever thread was faster."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    threads = set()

    def read(item: int) -> int:
        threads.add(threading.get_ident())
        return item * item

    assert list(reading.read_each(range(1000), read, "numbers")) == [item * item for item in range(1000)]
    assert threading.get_ident() not in threads


def test_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A line now and then on stderr, none where it is quick, and stdout stays data."""
    list(reading.read_each(range(600), str, "things"))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(reading, "_SAID_EVERY_S", -1.0)
    list(reading.read_each(range(600), str, "things"))
    out, err = capsys.readouterr()
    assert err.splitlines() == ["read 256 of 600 things", "read 512 of 600 things", "read 600 of 600 things"]
    assert out == ""


def test_an_error_ends_it() -> None:
    """What reading raises is raised."""

    def read(item: int) -> int:
        if item == 300:
            raise ValueError("item 300")
        return item

    with pytest.raises(ValueError, match="item 300"):
        list(reading.read_each(range(1000), read, "numbers"))
