"""Beside the package, and in the image, lies an SPDX document of what they consist of. It is checked by the tools of SPDX."""
import hashlib
import json
import pathlib
import re
import subprocess

import pytest

import cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALIDATOR = cluster.BUILD / "tools/spdx/bin/pyspdxtools"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    root = tmp_path_factory.mktemp("image")
    subprocess.run([ROOT / "deploy/collect-image.sh", cluster.RINGSIDE, root], check=True)
    return root


@pytest.fixture(scope="module", params=["package", "image"])
def document(request):
    if request.param == "package":
        deb = request.getfixturevalue("package")
        return deb.with_name(deb.name + ".spdx.json")
    return request.getfixturevalue("image") / "usr/share/doc/ringside/ringside.spdx.json"


def validates(path):
    return subprocess.run([VALIDATOR, "-i", path], capture_output=True, text=True, check=False)


def related(content, kind):
    """The elements to which the program stands in this relation."""
    named = {one["SPDXID"]: one for one in content["packages"] + content["files"]}
    program, = (one["SPDXID"] for one in content["files"] if one["fileName"] == "./usr/bin/ringside")
    return [named[one["relatedSpdxElement"]] for one in content["relationships"]
            if one["spdxElementId"] == program and one["relationshipType"] == kind]


def sha256(one):
    return next(sum_["checksumValue"] for sum_ in one["checksums"] if sum_["algorithm"] == "SHA256")


def test_it_is_valid(document, tmp_path):
    done = validates(document)
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(document.read_text())
    assert content["spdxVersion"] == "SPDX-2.3"
    del content["packages"][1]["downloadLocation"]
    (tmp_path / "wrong.spdx.json").write_text(json.dumps(content))
    assert validates(tmp_path / "wrong.spdx.json").returncode != 0, "the validator validates"


def test_it_names_each_library_that_is_loaded_with_its_package(document):
    loaded = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", cluster.RINGSIDE], check=True, capture_output=True, text=True).stdout)
    content = json.loads(document.read_text())
    files = related(content, "DYNAMIC_LINK")
    assert sorted(f".{path}" for path in loaded) == sorted(one["fileName"] for one in files)
    for one in files:
        assert sha256(one) == hashlib.sha256(pathlib.Path(one["fileName"][1:]).read_bytes()).hexdigest(), one
    packages = {one["name"]: one for one in content["packages"]}
    for name in ("libssl3", "libnghttp2-14", "libc6"):
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], check=True, capture_output=True, text=True).stdout
        assert packages[name]["versionInfo"] == version
    assert packages["libssl3"]["licenseDeclared"] == "Apache-2.0"
    assert packages["libc6"]["licenseDeclared"] == "NOASSERTION", "of several licences none is chosen"


def test_it_names_what_is_compiled_in(document):
    static = {one["name"] for one in related(json.loads(document.read_text()), "STATIC_LINK")}
    assert {"nlohmann-json3-dev", "libcli11-dev", "libtomlplusplus-dev", "libxxhash-dev"} <= static
    assert any(name.startswith("libboost") for name in static)
    assert not {"libgtest-dev", "libgrpc++-dev", "libbenchmark-dev"} & static, "nothing of the tests"


def test_its_files_are_those_of_the_image(image):
    content = json.loads((image / "usr/share/doc/ringside/ringside.spdx.json").read_text())
    files = {one["fileName"]: sha256(one) for one in content["files"]}
    there = {f"./{path.relative_to(image)}": hashlib.sha256(path.read_bytes()).hexdigest()
             for path in image.rglob("*") if path.is_file() and not path.name.endswith(".spdx.json")}
    assert files == there


def test_it_has_the_version_and_the_checksum_of_what_ships(package, shipped):
    content = json.loads(package.with_name(package.name + ".spdx.json").read_text())
    version = subprocess.run(["dpkg-deb", "-f", package, "Version"], check=True, capture_output=True, text=True).stdout.strip()
    assert content["packages"][0]["versionInfo"] == version
    program, = (one for one in content["files"] if one["fileName"] == "./usr/bin/ringside")
    assert sha256(program) == hashlib.sha256(shipped.read_bytes()).hexdigest()
