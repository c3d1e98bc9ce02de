"""A job's board and limits, without loading any data."""

from __future__ import annotations

from devices.boards import DeviceError, load_device
from devices.device import Device
from devices.footprint import Budget
from search.errors import JobError
from search.job import Job


def find_device(name: str) -> Device:
    """A board by name or file.

    Raises
    ------
    JobError
        When there is none, with a suggestion.
    """
    try:
        return load_device(name)
    except DeviceError as error:
        raise JobError(str(error)) from error


def budget_of(job: Job, device: Device) -> Budget:
    """The job's limits; where it sets none, what the device has.

    Raises
    ------
    JobError
        When a limit is above what the device has.
    """
    for name in ("flash_bytes", "ram_bytes"):
        limit, most = getattr(job.budget, name), getattr(device, name)
        if limit is not None and limit > most:
            raise JobError(f"budget.{name} is {limit}, {device.name} has {most}: lower it, or leave it out")
    return Budget(
        flash_bytes=job.budget.flash_bytes or device.flash_bytes,
        ram_bytes=job.budget.ram_bytes or device.ram_bytes,
        latency_ms=job.budget.latency_ms,
    )
