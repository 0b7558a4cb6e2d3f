"""`pellucid demo`."""

from pathlib import Path

from jsonargparse import Namespace
from tqdm import tqdm

from pellucid.cli.restore import make_folder
from pellucid.demo import run_demo
from pellucid.restore import Restorer


def demo_command(options: Namespace) -> int:
    """Run the demonstration and print its scores."""
    folder = Path(options.output)
    make_folder(folder)
    restorer = Restorer.load(options.model)
    with tqdm(desc="restoring", unit="tile", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        scores = run_demo(folder, restorer, progress)
    print(f"noisy     {scores.psnr_noisy:.2f} dB  {folder / 'noisy.png'}")
    print(
        f"restored  {scores.psnr_restored:.2f} dB  {folder / 'restored.png'} in {scores.seconds:.1f} s"
    )
    print(f"both      {folder / 'comparison.png'}; scores in {folder / 'demo.json'}")
    return 0
