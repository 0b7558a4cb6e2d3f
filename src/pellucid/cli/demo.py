"""`pellucid demo`."""

from pathlib import Path

from jsonargparse import Namespace

from pellucid.cli.restore import make_folder, tile_bar
from pellucid.demo import run_demo
from pellucid.restore import Restorer


def demo_command(options: Namespace) -> int:
    """Run the demonstration and print its scores."""
    folder = Path(options.output)
    make_folder(folder)
    restorer = Restorer.load(options.model)
    with tile_bar("restoring") as progress:
        scores = run_demo(folder, restorer, progress)
    before, after, seconds = scores.psnr_noisy, scores.psnr_restored, scores.seconds
    print(f"noisy     {before:.2f} dB  {folder / 'noisy.png'}")
    print(f"restored  {after:.2f} dB  {folder / 'restored.png'} in {seconds:.1f} s")
    print(f"both      {folder / 'comparison.png'}; scores in {folder / 'demo.json'}")
    return 0
