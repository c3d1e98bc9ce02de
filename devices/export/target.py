"""What an export target is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from devices.export.bundle import Bundle


class ExportTarget(Protocol):
    """One way to hand over a model.  An extension is one package and one entry in `catalog.TARGETS`."""

    @property
    def name(self) -> str:
        """What ``--target`` takes: lower case with hyphens."""

    @property
    def description(self) -> str:
        """One line for ``--help``."""

    def files(self, bundle: Bundle) -> Mapping[str, bytes]:
        """Contents by relative posix path; the same bundle always gives the same bytes.

        Raises
        ------
        ExportError
            Where this target cannot carry this network.
        """
