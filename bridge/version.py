"""The version this bridge tells the control plane."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("certferry")
except PackageNotFoundError:  # run from a source tree that was never installed
    VERSION = "unknown"
