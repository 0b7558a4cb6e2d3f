"""The one inference path: a raw photograph in, restored mosaic and picture out, in tiled passes."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from pellucid.calibration.known_noise import settle_noise
from pellucid.calibration.profile import CalibratedCamera
from pellucid.checkpoint import Network
from pellucid.choices import Precision, Preset, Stars
from pellucid.control import Kept
from pellucid.detail import is_star_field, points
from pellucid.developing import Shot, develop_tiled, for_light, lit
from pellucid.errors import NetworkError
from pellucid.hot_pixels import AMONG_STARS, STEEP, without_hot_pixels
from pellucid.importers import PublishedOptions
from pellucid.io.linear_images import grey_camera
from pellucid.io.orientation import as_stored
from pellucid.isp import ISPConfig, Rendering
from pellucid.look.align import apply_grid, apply_to_difference
from pellucid.look.reference import fit_reference
from pellucid.models import load_model
from pellucid.networks.dual_domain import Compared, DualDomainNet, Restored
from pellucid.networks.picture import PictureNet
from pellucid.passes import TILE, Course, Highlights, Passes, Progress, counter
from pellucid.raw import Camera, Noise, RawImage

Record = TypeVar("Record", Camera, Noise, Rendering)


def develop(
    raw: RawImage, rendering: Rendering | None = None, config: ISPConfig | None = None
) -> Tensor:
    """sRGB picture (3, H, W) of a raw photograph as it is, developed in tiles of bounded memory.

    Without a config, blown highlights of a mosaic are rebuilt.
    """
    linear, rendering = raw.linear is not None, rendering or Rendering(raw.exposure)
    shot = Shot(raw.light, _camera(raw), Noise(0, 0), rendering, linear, raw.gain)
    config = for_light(shot, config or ISPConfig(highlights="rebuilt"))
    return develop_tiled(shot, lit(shot, shot.light, config), config, lambda: None)


class Restorer:
    """A network made ready for whole photographs."""

    def __init__(
        self,
        net: Network,
        tile: int = TILE,
        device: str | torch.device = "cpu",
        preset: Preset = "normal",
        precision: Precision = "auto",
        stars: Stars = "auto",
        highlights: Highlights = "rebuilt",
        wide: bool = False,
    ) -> None:
        """`tile` is the side in pixels of what is computed at once.

        `highlights="roll"` develops as our networks are trained, to be compared with truths that
        are rendered so. With `wide`, colours outside sRGB stay in the picture, beyond [0, 1].
        In a star field, points that stand out of the noise stay as they are, and so do its own
        rare peaks; other photographs, where these would look like specks, lose both, unless
        `stars` says otherwise.
        """
        self.net: Network = net.to(device).eval()
        self.device, self.wide = torch.device(device), wide
        self.stars: Stars = stars
        self.passes = Passes(self.net, tile, preset, precision, highlights)

    @classmethod
    def load(
        cls,
        model: str | Path = "default",
        tile: int = TILE,
        device: str | torch.device = "cpu",
        options: PublishedOptions | None = None,
        preset: Preset = "normal",
        precision: Precision = "auto",
        stars: Stars = "auto",
        highlights: Highlights = "rebuilt",
        wide: bool = False,
    ) -> "Restorer":
        """Restorer of a shipped model by name, of a weights file, or of a training's run folder.

        `options` say what the weights of others do not.
        """
        net = load_model(model, options)
        return cls(net, tile, device, preset, precision, stars, highlights, wide)

    @torch.inference_mode()
    def __call__(
        self,
        raw: RawImage,
        noise: Noise | CalibratedCamera | None = None,
        rendering: Rendering | None = None,
        progress: Progress | None = None,
        reference: Tensor | None = None,
    ) -> Restored:
        """Restored mosaic (1, H, W) and picture (3, H, W) on the CPU, in the frame of `raw.mosaic`.

        Of a linear image the restored pixels stand in the mosaic's place, in the shape of `light`.
        Without `noise`, what `settle_noise` finds; without `rendering`, the file's own exposure. A
        network of pictures restores the developed one, and leaves the mosaic as it is. The picture
        takes the colours of a `reference` (3, h, w), upright: the camera's own picture of the shot.
        """
        course = self._course(raw, noise, rendering, progress, reference)
        return Restored(course.clean.cpu(), course.picture.cpu())

    @torch.inference_mode()
    def compare(
        self,
        raw: RawImage,
        noise: Noise | CalibratedCamera | None = None,
        rendering: Rendering | None = None,
        reference: Tensor | None = None,
    ) -> Compared:
        """The same for benchmarks, whose truths may be developed mosaics or scenes."""
        course = self._course(raw, noise, rendering, None, reference)
        mends = isinstance(self.net, DualDomainNet) and self.net.truth == "colour"
        developed = course.aligned if mends and self.net.raw_net is not None else course.picture
        return Compared(*(t.cpu() for t in (course.clean, developed, course.picture)))

    @torch.inference_mode()
    def keep(
        self,
        raw: RawImage,
        noise: Noise | CalibratedCamera | None = None,
        rendering: Rendering | None = None,
        progress: Progress | None = None,
        reference: Tensor | None = None,
    ) -> Kept:
        """A restoration whose strength can be chosen afterwards, without the networks."""
        course = self._course(raw, noise, rendering, progress, reference)
        shot, picture = course.shot, course.picture
        open_isp = replace(course.isp, gamut="wide" if self.wide else "keep")
        noisy = develop_tiled(shot, _noisy(course), open_isp, lambda: None)
        taken = noisy.sub_(course.developed)
        if course.grid is not None:
            taken = apply_to_difference(course.grid, course.developed, taken)
        taken += course.aligned - picture
        restored = Restored(course.clean.cpu(), picture.cpu())
        return Kept(restored, (shot.light - course.clean).cpu(), taken.cpu())

    @torch.inference_mode()
    def restore_picture(self, picture: Tensor, progress: Progress | None = None) -> Tensor:
        """Restored sRGB picture (3, H, W) on the CPU, of one in [0, 1].

        Raises NetworkError if the network is one for raws.
        """
        if not isinstance(self.net, PictureNet):
            raise NetworkError("the model restores raw photographs; expected a raw, got a picture")
        picture = picture.to(self.device)
        grids = self.passes.picture_grids(self.net)
        done = counter(picture, grids, progress)
        return self.passes.restore_picture(picture, self.net, done).cpu()

    def _course(
        self,
        raw: RawImage,
        noise: Noise | CalibratedCamera | None,
        rendering: Rendering | None,
        progress: Progress | None,
        reference: Tensor | None,
    ) -> Course:
        shot = self._shot(raw, noise, rendering)
        done = counter(shot.light, self.passes.grids(shot), progress)
        clean, stars = self.passes.denoise_raw(shot, done), None
        if self._starry(shot, clean):
            known = _of_none(shot.noise)
            light = _light(raw, _on(known, raw.mosaic.device), AMONG_STARS)
            shot = shot._replace(light=light.to(self.device))
            stars = points(shot.light, clean, known)
            clean = torch.lerp(clean, shot.light, stars)
        isp = self.passes.developing(shot)
        light = lit(shot, clean, isp)
        developed = develop_tiled(shot, light, isp, done)
        grid, aligned = None, developed
        if reference is not None:
            grid = fit_reference(developed.cpu(), _turned(reference, raw)).to(self.device)
            aligned = apply_grid(grid, developed).clamp_(0, 1)
        course = Course(shot, clean, light, isp, stars, developed, grid, aligned, aligned)
        picture = self.passes.denoise_srgb(course, done)
        if raw.is_grey:  # grey stays grey
            picture = picture.mean(0, keepdim=True).expand_as(picture)
        picture = _kept(picture, aligned, stars)
        if self.wide:
            picture = picture.clamp(0, 1).add_(_outside(course))
        return course._replace(picture=picture)

    def _starry(self, shot: Shot, clean: Tensor) -> bool:
        """Whether points of the shot are to stay."""
        if clean is shot.light or shot.linear or self.stars == "remove":
            return False
        return self.stars == "keep" or is_star_field(shot.light, clean, _of_none(shot.noise))

    def _shot(
        self, raw: RawImage, noise: Noise | CalibratedCamera | None, rendering: Rendering | None
    ) -> Shot:
        if isinstance(self.net, PictureNet):
            known = Noise(0, 0)  # it is not told
        else:
            known = settle_noise(raw, noise).noise
        return Shot(
            _light(raw, known).to(self.device),
            _on(_camera(raw), self.device),
            _on(_of_one(known), self.device),
            _on(rendering or Rendering(raw.exposure), self.device),
            raw.linear is not None,
            None if raw.gain is None else raw.gain.to(self.device),
            1.0 if raw.linear is None else raw.linear.spread,
        )


def _camera(raw: RawImage) -> Camera:
    """The raw's; a grey one has no colours to balance, whatever gains were chosen for it."""
    return grey_camera() if raw.is_grey else raw.camera


def _noisy(course: Course) -> Tensor:
    """The noisy light with what clipping took, in the place of the clean one where there is any."""
    if course.lit is course.clean:
        return course.shot.light
    return course.lit.add_(course.shot.light).sub_(course.clean)


def _outside(course: Course) -> Tensor:
    """What sRGB cannot hold of the developed picture (3, H, W), at most 0."""
    isp = replace(course.isp, gamut="wide")
    outside = develop_tiled(course.shot, course.lit, isp, lambda: None).clamp_(max=0)
    if course.grid is None:
        return outside
    return apply_to_difference(course.grid, course.developed, outside)


def _light(raw: RawImage, noise: Noise, steep: float = STEEP) -> Tensor:
    """What the sensor saw, without a mosaic's hot pixels where the noise is known."""
    if raw.linear is not None or not bool((noise.shot + noise.read > 0).all()):
        return raw.light
    return without_hot_pixels(raw.mosaic, noise, steep)


def _on(record: Record, device: torch.device) -> Record:
    return type(record)(*(value.to(device) for value in record))


def _of_one(noise: Noise) -> Noise:
    """Noise as tiles of a batch of one take it: three values are then those of R, G, B."""
    return Noise(*(level[None] if level.dim() == 1 else level for level in noise))


def _of_none(noise: Noise) -> Noise:
    """The inverse: as a mosaic without a batch takes it."""
    return Noise(*(level[0] if level.dim() == 2 else level for level in noise))


def _kept(picture: Tensor, before: Tensor, points: Tensor | None) -> Tensor:
    """A picture whose points are as they were before."""
    return picture if points is None else torch.lerp(picture, before, points)


def _turned(reference: Tensor, raw: RawImage) -> list[Tensor]:
    """A reference as the sensor lies, and as it is, for previews that were never turned."""
    orientation = 1 if raw.source is None else raw.source.orientation
    if orientation == 1:
        return [reference]
    return [as_stored(reference, orientation), reference]
