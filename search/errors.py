"""Errors a user can act on, each with the exit code of the command line."""

from __future__ import annotations


class TinyFrontError(Exception):
    """Base of every error that ends a command with a sentence instead of a traceback."""

    exit_code = 1


class NothingFitsError(TinyFrontError):
    """The command ran, but nothing fits the device or the budget."""

    exit_code = 1


class JobError(TinyFrontError):
    """The command line or the job is wrong."""

    exit_code = 2


class DataError(TinyFrontError):
    """The data cannot be used."""

    exit_code = 3


class ToolchainError(TinyFrontError):
    """A device, an interpreter or a tool is missing on this machine."""

    exit_code = 4


class StorageError(TinyFrontError):
    """A run folder cannot be read or written."""

    exit_code = 5
