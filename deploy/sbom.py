#!/usr/bin/env python3
"""What a package or an image of Ringside consists of, as an SPDX 2.3 document: its files, the libraries that the program is
linked with and what else is compiled into it, each with its package in Debian, its version, its source and its checksum.

  sbom.py package FILE.deb --program PROGRAM --build DIRECTORY --out FILE
  sbom.py image DIRECTORY  --program PROGRAM --build DIRECTORY --out FILE     DIRECTORY: the image's file system

PROGRAM is what was built, and DIRECTORY where Ninja built it: which headers are part of it is what the compiler noted there.
A licence is stated where Debian states it for all files of a source, in a form that machines read; it is NOASSERTION else,
and the comment says where to look."""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

# Names of DEP 5 (Debian) that mean exactly one of SPDX. Others may have texts of their own.
LICENCES = {"Apache-2.0": "Apache-2.0", "Expat": "MIT", "Zlib": "Zlib", "BSL-1.0": "BSL-1.0", "BSD-2-clause": "BSD-2-Clause",
            "BSD-2-Clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause", "BSD-3-Clause": "BSD-3-Clause",
            "BSD-3-Clause~Google": "BSD-3-Clause", "ISC": "ISC"}
UNKNOWN = "NOASSERTION"
DISTRIBUTION = "{ID}-{VERSION_ID}".format_map(platform.freedesktop_os_release())


def said(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def owners(paths):
    """The Debian package of each path; dpkg knows some of them below /, and others below /usr."""
    spellings = {spelt: path for path in paths for spelt in
                 (path, os.path.realpath(path), path.removeprefix("/usr"), os.path.realpath(path).removeprefix("/usr"))}
    found = subprocess.run(["dpkg-query", "-S", *spellings], capture_output=True, text=True, check=False).stdout
    known = {}
    for line in found.splitlines():
        package, _, path = line.partition(": ")
        if path in spellings and "diversion by" not in line:
            known[spellings[path]] = package.split(", ")[0]
    if missing := sorted(set(paths) - known.keys()):
        sys.exit(f"sbom.py: of no Debian package: {', '.join(missing)}")
    return known


def libraries(program):
    """The shared objects that the loader loads for it, the loader included."""
    found = re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", said("ldd", program), re.M)
    if "not found" in said("ldd", program) or not found:
        sys.exit(f"sbom.py: ldd does not find all libraries of {program}")
    return sorted(found)


def headers(build, program):
    """What was included from outside by whatever is linked into the program."""
    target = os.path.relpath(program, build)
    objects = [path for path in said("ninja", "-C", build, "-t", "inputs", target).splitlines() if path.endswith((".o", ".gch"))]
    noted = said("ninja", "-C", build, "-t", "deps", *objects)
    return sorted(set(re.findall(r"^    (/usr/\S+)$", noted, re.M)))


def licence_of(package):
    """What the machine-readable copyright says of `Files: *`, if it is one licence that is surely one of SPDX."""
    try:
        text = pathlib.Path(f"/usr/share/doc/{package.split(':')[0]}/copyright").read_text(errors="replace")
    except FileNotFoundError:
        return UNKNOWN
    if not re.match(r"Format: https?://www\.debian\.org/doc/packaging-manuals/copyright-format/1\.0", text):
        return UNKNOWN
    for paragraph in re.split(r"\n\s*\n", text):
        if re.search(r"^Files:\s*\*\s*$", paragraph, re.M) and (named := re.search(r"^License:\s*(.+)$", paragraph, re.M)):
            return LICENCES.get(named[1].strip(), UNKNOWN)
    return UNKNOWN


def spdx_id(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def debian_package(package):
    version, source, source_version, architecture = said(
        "dpkg-query", "-W", "-f", "${Version}\\n${source:Package}\\n${source:Version}\\n${Architecture}", package).split("\n")
    name = package.split(":")[0]
    return {"SPDXID": spdx_id("Debian", name), "name": name, "versionInfo": version, "supplier": "Organization: Debian",
            "downloadLocation": f"https://packages.debian.org/source/{source}", "filesAnalyzed": False,
            "sourceInfo": f"built from Debian's source package {source} {source_version}",
            "licenseConcluded": UNKNOWN, "licenseDeclared": licence_of(package), "copyrightText": UNKNOWN,
            "licenseComments": f"/usr/share/doc/{name}/copyright",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator":
                              f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={architecture}&distro={DISTRIBUTION}"}]}


def source_of(package):
    return re.search(r"source package (\S+)", package["sourceInfo"])[1]


def file_element(path, shown):
    content = pathlib.Path(path).read_bytes()
    sums = [{"algorithm": kind, "checksumValue": hashlib.new(kind.lower(), content).hexdigest()} for kind in ("SHA1", "SHA256")]
    return {"SPDXID": spdx_id("File", shown), "fileName": f".{shown}", "checksums": sums, "licenseConcluded": UNKNOWN,
            "copyrightText": UNKNOWN}


def verification_code(files):
    """SPDX 2.3, 7.9."""
    sums = sorted(one["checksums"][0]["checksumValue"] for one in files)
    return {"packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest()}


def document(kind, root, program, build):
    version = json.loads(said(program, "version", "--json"))["version"]
    contained = {f"/{path.relative_to(root)}": file_element(path, f"/{path.relative_to(root)}")
                 for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()}
    whole = {"SPDXID": spdx_id(kind), "name": "ringside", "versionInfo": version, "supplier": UNKNOWN,
             "downloadLocation": UNKNOWN, "filesAnalyzed": True, "packageVerificationCode": verification_code(contained.values()),
             "primaryPackagePurpose": "CONTAINER" if kind == "image" else "APPLICATION", "licenseConcluded": "Apache-2.0",
             "licenseDeclared": "Apache-2.0", "copyrightText": UNKNOWN}
    packages, files, relations = {}, dict(contained), []

    def relate(one, kind_of_relation, other):
        relations.append({"spdxElementId": one, "relationshipType": kind_of_relation, "relatedSpdxElement": other})

    relate("SPDXRef-DOCUMENT", "DESCRIBES", whole["SPDXID"])
    for one in contained.values():
        relate(whole["SPDXID"], "CONTAINS", one["SPDXID"])
    ours = contained["/usr/bin/ringside"]["SPDXID"]
    linked = libraries(program)
    of = owners(linked)
    for path in linked:
        package = packages.setdefault(of[path], debian_package(of[path]))
        element = files.setdefault(path, file_element(path, path))
        relate(ours, "DYNAMIC_LINK", element["SPDXID"])
        relate(element["SPDXID"], "GENERATED_FROM", package["SPDXID"])
    # Of a library that is linked dynamically the headers say nothing new.
    known = {source_of(package) for package in packages.values()}
    for name in sorted(set(owners(headers(build, program)).values())):
        package = debian_package(name)
        if source_of(package) not in known:
            packages[name] = package
            relate(ours, "STATIC_LINK", package["SPDXID"])
    made = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"ringside-{version}-{kind}", "packages": [whole, *packages.values()], "files": list(files.values()),
            "relationships": relations}
    # The same content has the same name, whenever it is written.
    told = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
    now = int(os.environ.get("SOURCE_DATE_EPOCH", 0)) or int(datetime.datetime.now().timestamp())
    created = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return made | {"documentNamespace": f"https://ringside.dev/spdx/{made['name']}-{told}",
                   "creationInfo": {"created": created, "creators": [f"Tool: ringside-sbom-{version}"]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["package", "image"])
    parser.add_argument("what", type=pathlib.Path)
    for name in ("program", "build", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        root = given.what
        if given.kind == "package":
            root = pathlib.Path(directory)
            said("dpkg-deb", "-x", given.what, root)
        made = document(given.kind, root, given.program.resolve(), given.build.resolve())
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
