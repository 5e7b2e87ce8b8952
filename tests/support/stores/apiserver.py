"""kube-apiserver, built from Debian's source package, since Debian ships no binary of it.

    python -m tests.support.stores.apiserver    builds it, once per machine and version

It takes two to four minutes, so `./run test` begins it in the background, beside the tests that do not need it; those
that do wait for it. The binary is in the user's cache directory (XDG_CACHE_HOME), outside this tree.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "certferry"
_MADE_BY = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
BINARY = _CACHE / f"kube-apiserver-1.20.2-{platform.machine()}-{_MADE_BY}"
LOG = BINARY.with_name(f"{BINARY.name}.log")
NEEDS = ("go", "dpkg-source")

_APT = Path("/etc/apt")
_MIRROR = re.compile(r"^deb(?=\s+(?:\[[^]]*\]\s+)?\S+/debian/?\s)", re.MULTILINE)  # a line of a .list
_MIRRORS = re.compile(r"^URIs:.*/debian/?$", re.MULTILINE)  # a paragraph of a .sources
_PACKAGE = "k8s.io/kubernetes"
# Nothing of it is debugged, and of what is compiled most is never called: compile quickly.
_QUICKLY = ("-tags", "providerless", "-gcflags=all=-N -l")
_VERSION = "-X k8s.io/component-base/version.gitVersion=v1.20.2"


def begin() -> None:
    """Build it in the background, unless it is there."""
    if BINARY.exists() or not all(map(shutil.which, NEEDS)):
        return
    sys.stdout.write(f"building for the tests, in the background: kube-apiserver ({LOG})\n")
    sys.stdout.flush()
    command = ["nice", "-n", "15", sys.executable, "-m", "tests.support.stores.apiserver"]
    null, root = subprocess.DEVNULL, Path(__file__).parents[3]
    subprocess.Popen(command, cwd=root, stdin=null, stdout=null, stderr=null, start_new_session=True)


def built() -> Path | None:
    """The binary, once whoever builds it is done with it; built here where nobody does. None where that failed."""
    with _alone():
        if not BINARY.exists():
            _build()
    return BINARY if BINARY.exists() else None


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    _CACHE.mkdir(parents=True, exist_ok=True)
    with BINARY.with_name(f"{BINARY.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build() -> None:
    """All of it or nothing: the binary gets its name when it is whole."""
    failed = subprocess.CalledProcessError  # the log says why
    making = tempfile.TemporaryDirectory(dir=_CACHE, prefix="building-")
    with making as name, LOG.open("wb") as log, contextlib.suppress(failed):
        _compile(Path(name), log.fileno())
        (Path(name) / "kube-apiserver").replace(BINARY)


def _compile(directory: Path, log: int) -> None:
    source = _unpack(directory, log)
    go = directory / "go/src/k8s.io"
    go.mkdir(parents=True)
    (go / "kubernetes").symlink_to(source)
    environment = os.environ | {
        "CGO_ENABLED": "0",
        "GO111MODULE": "off",
        "GOCACHE": str(directory / "cache"),
        "GOFLAGS": "",
        "GOGC": "800",  # memory for time
        "GOPATH": str(directory / "go"),
        "GOPROXY": "off",
        "HOME": str(directory),
        "PWD": str(go / "kubernetes"),  # by this way Go knows the package's name
    }

    def run(*command: str) -> None:
        null = subprocess.DEVNULL
        subprocess.run(command, cwd=go / "kubernetes", env=environment, stdin=null, stdout=log, stderr=log, check=True)

    generator = str(directory / "openapi-gen")
    run("go", "build", "-o", generator, "./vendor/k8s.io/kube-openapi/cmd/openapi-gen")
    run(generator, *_what_to_generate(source, directory))
    output = str(directory / "kube-apiserver")
    run("go", "build", *_QUICKLY, "-ldflags", f"-s -w {_VERSION}", "-o", output, "./cmd/kube-apiserver")


def _unpack(directory: Path, log: int) -> Path:
    """With apt's own checks of signatures, and lists of its own: the system's stay as they are."""
    (directory / "lists/partial").mkdir(parents=True)
    _write_sources(directory / "sources.list.d")
    options = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": directory / "sources.list.d",
        "Dir::State::lists": directory / "lists",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    for command in ([*apt, "update"], [*apt, "source", "--download-only", "kubernetes"]):
        subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
    description = next(directory.glob("kubernetes_*.dsc")).name
    unpack = ("dpkg-source", "-x", description, "source")
    subprocess.run(unpack, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
    return directory / "source"


def _write_sources(directory: Path) -> None:
    """The mirrors of Debian that the machine has, as mirrors of source packages."""
    directory.mkdir()
    lines: list[str] = []
    for path in (_APT / "sources.list", *sorted((_APT / "sources.list.d").glob("*.list"))):
        text = path.read_text() if path.exists() else ""
        lines += [_MIRROR.sub("deb-src", line) for line in text.splitlines() if _MIRROR.match(line)]
    (directory / "debian.list").write_text("".join(f"{line}\n" for line in lines))
    found = [text for path in (_APT / "sources.list.d").glob("*.sources") for text in path.read_text().split("\n\n")]
    paragraphs = [re.sub(r"(?m)^Types:.*$", "Types: deb-src", text) for text in found if _MIRRORS.search(text)]
    (directory / "debian.sources").write_text("\n\n".join(paragraphs))


def _what_to_generate(source: Path, directory: Path) -> list[str]:
    """The one generated file that the source package lacks, as its Makefile.generated_files makes it."""
    tagged = set()
    for top in ("staging/src/k8s.io", "pkg", "cmd", "plugin"):
        for path in (source / top).rglob("*.go"):
            if not path.name.startswith("zz_generated") and b"+k8s:openapi-gen=" in path.read_bytes():
                tagged.add(str(path.parent.relative_to(source)).replace("staging/src/", "vendor/", 1))
    left_out = ("code-generator", "sample-apiserver", "/test")
    wanted = sorted(name for name in tagged if not any(part in name for part in left_out))
    packages = ",".join(f"{_PACKAGE}/{name}" for name in wanted)
    licence = "vendor/k8s.io/code-generator/hack/boilerplate.go.txt"
    output = ["-p", f"{_PACKAGE}/pkg/generated/openapi", "-O", "zz_generated.openapi", "-h", licence]
    return ["--logtostderr", "-i", packages, *output, "-r", str(directory / "report")]


if __name__ == "__main__":
    built()
