"""Huffman coding: the model is stored in flash as a package and unpacked into RAM when the device starts.

After Han et al., *Deep Compression*, ICLR 2016, section 4: frequent weights
get short codes.  Layout and decoder are those of `devices.coding.package`.
The file, its outputs and its accuracy stay as they are; what changes is where
it lies: flash holds the package and about 500 bytes of decoder
(`devices.coding.stored`), RAM the whole model beside the arena.  It is for
boards with RAM to spare, and saves most after pruning and clustering.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from compressors.compressor import CompressionError, Context, Hyperparameter, Network, Stage

if TYPE_CHECKING:
    from compressors.topology import Topology
    from devices.artifact import Artifact

_NAME = "huffman_coding"


@dataclass(frozen=True, slots=True, kw_only=True)
class HuffmanCoding:
    """Settings of Huffman coding.

    Attributes
    ----------
    decode_at_start
        True: the device stores the package and decodes it once, when it
        starts.  False for none.
    """

    decode_at_start: bool = True

    @property
    def is_identity(self) -> bool:
        """True when nothing is decoded."""
        return not self.decode_at_start


class HuffmanCoder:
    """Adds the package to an artifact."""

    name: str = _NAME
    stage: Stage = Stage.CODING
    settings: type[HuffmanCoding] = HuffmanCoding
    hyperparameters: tuple[Hyperparameter, ...] = (Hyperparameter(name="decode_at_start", values=(False, True)),)

    def outline(self, topology: Topology, settings: HuffmanCoding) -> Topology:  # noqa: ARG002  # the protocol's signature
        """The topology as it is."""
        return topology

    def compress(self, network: Network | Artifact, settings: HuffmanCoding, context: Context) -> Artifact:  # noqa: ARG002
        """The artifact with its package, which was unpacked again to the very same file.

        Raises
        ------
        CompressionError
            When the file is larger than a package holds, 16 MiB, or is not
            smaller as a package.
        """
        from devices.coding.package import PackageError, pack, unpack

        artifact: Artifact = network
        if settings.is_identity:
            return artifact
        try:
            package = pack(artifact.content)
        except PackageError as error:
            raise CompressionError(f"{error}: make the network smaller, or leave {_NAME} out") from error
        if len(package) >= artifact.model_bytes:
            raise CompressionError(
                f"the package has {len(package)} bytes and the file {artifact.model_bytes}, it must be smaller: "
                f"leave {_NAME} out"
            )
        assert unpack(package) == artifact.content
        return replace(artifact, package=package)


def is_coded(techniques: Container[str]) -> bool:
    """Whether a model that techniques of these names made, such as a record's, is stored as a package."""
    return _NAME in techniques
