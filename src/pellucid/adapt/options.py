"""What a user asks of an adaptation."""

from dataclasses import dataclass
from pathlib import Path

from pellucid.adapt.training import SETTINGS, Terms
from pellucid.objectives.adaptation_config import AdaptationConfig


@dataclass(frozen=True)
class AdaptOptions:
    """What a user asks for."""

    model: str
    real: Path
    output: Path
    photos: Path | None = None
    camera: str | None = None
    minutes: float | None = 10.0
    steps: int | None = None
    """In place of minutes."""
    seed: int = 0
    terms: Terms | None = None
    """None: pairs with `photos`, the risk on the noisy files without."""
    settings: AdaptationConfig = SETTINGS
    learning_rate: float = 1e-4
    patch: int = 64
    batch: int = 8
    every: int = 50
    """Steps between verdicts."""
    patience: int = 8
    """Verdicts without a better one that end it."""
    judged: int = 192
    """Held-out patches."""

    @property
    def minimised(self) -> Terms:
        """The terms."""
        return self.terms or ("pairs" if self.photos else "own")

    @property
    def folder(self) -> Path:
        """The run folder, beside the output."""
        return self.output.with_suffix(".run")

    @property
    def same(self) -> dict[str, str]:
        """What must be asked for again when a run goes on."""
        paths = {"real": self.real, "photos": self.photos}
        said = {name: None if path is None else path.resolve() for name, path in paths.items()}
        said |= {"model": self.model, "camera": self.camera, "seed": self.seed}
        said |= {"terms": self.minimised}
        return {name: str(value) for name, value in said.items()}
