"""What transformers are made of, counted: the pieces of every architecture's arithmetic."""

from dataclasses import dataclass

from vidtag.models.config import ModelConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What one forward pass takes."""

    parameters: int
    """Numbers in the checkpoint, also those that classification leaves out."""

    tokens: int
    """Patches in space and time that attend to one another, with the class token."""

    gflops: float
    """10⁹ operations per window: two for each multiply-add of matrix products and convolutions."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers that the video towers of all architectures have."""

    width: int
    depth: int
    mlp: int
    patch: int
    labels: int

    @classmethod
    def of(cls, config: ModelConfig) -> "Sizes":
        """Read them from a configuration."""
        values = config.vision
        width = int(values.get("hidden_size", config.kind.hidden_size))
        depth = int(values.get("num_hidden_layers", config.kind.num_layers))
        mlp = int(values.get("intermediate_size", 3072))
        patch = values.get("patch_size", 16)
        patch = int(patch[0] if isinstance(patch, list) else patch)
        return cls(width, depth, mlp, patch, len(config.labels))


def dense(inputs: int, outputs: int, bias: bool = True) -> int:
    """Count the parameters of a linear layer."""
    return inputs * outputs + (outputs if bias else 0)


def block_params(width: int, mlp: int, qkv_biases: int) -> int:
    """Count one transformer block: attention, MLP and two layer norms."""
    attention = 3 * width * width + qkv_biases * width + dense(width, width)
    return attention + dense(width, mlp) + dense(mlp, width) + 4 * width


def block_macs(tokens: int, width: int, mlp: int) -> int:
    """Count the multiply-adds of one block in which all tokens attend to all."""
    return tokens * (4 * width * width + 2 * width * mlp) + 2 * tokens * tokens * width


def gflops(macs: int) -> float:
    """Turn multiply-adds into 10⁹ operations."""
    return 2 * macs / 1e9
