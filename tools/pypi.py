"""Provides packages from PyPI for the tools here.

They are kept in ${KEFU_TOOLS_DIR:-.kefu-tools}; the network is needed once.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = pathlib.Path(os.environ.get("KEFU_TOOLS_DIR") or ROOT / ".kefu-tools").resolve()


def provide(package, needed=()):
    """Installs a package and what it needs once, all of them pinned, and makes them importable."""
    target = TOOLS / package.replace("==", "-")
    if not target.is_dir():
        TOOLS.mkdir(parents=True, exist_ok=True)
        # Moving the finished installation into place keeps a half one from being used.
        with tempfile.TemporaryDirectory(dir=TOOLS) as scratch:
            fresh = pathlib.Path(scratch) / "package"
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            environment = os.environ | {"PIP_ROOT_USER_ACTION": "ignore", "PIP_USER": "0"}
            if subprocess.run([*command, "--target", fresh, package, *needed], env=environment).returncode != 0:
                by_hand = " ".join([sys.executable, "-m pip install --no-deps --target", str(target), package, *needed])
                sys.exit(f"{pathlib.Path(sys.argv[0]).name}: cannot install {package}; by hand: {by_hand}")
            try:
                fresh.rename(target)
            except OSError:
                # Another run has installed it meanwhile.
                assert target.is_dir()
    sys.path.insert(0, str(target))
