"""Make the pictures of the README: `python tools/pictures.py <run directory>` after a run of sim_train."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from vlmrl_ros.policies.evaluation.strip import write_png
from vlmrl_ros.sim.load import build

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"


def main() -> None:
    """Render the arm, and take the curves of a run."""
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "plots" / "success.png").is_file():
        sys.exit("usage: python tools/pictures.py <run directory with plots/success.png>")
    IMAGES.mkdir(parents=True, exist_ok=True)
    task = build("peg_insert", {})
    task.reset(np.random.default_rng(1))
    write_png(IMAGES / "arm.png", task.render("overview", 480, 800))
    task.close()
    for name in ("success.png", "interventions.png"):
        shutil.copy(Path(sys.argv[1]) / "plots" / name, IMAGES / name)


if __name__ == "__main__":
    main()
