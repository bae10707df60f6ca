"""Builds the Go peer (its stubs generated with the versions in go.mod) and tests its ring, or installs the gRPC tools."""
import argparse
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = {"grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl",
         "grpc-health-probe": "github.com/grpc-ecosystem/grpc-health-probe",
         "ghz": "github.com/bojand/ghz/cmd/ghz"}
PLUGINS = {"protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go",
           "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc"}


def build_peer(options, run):
    source = options.out / "source"
    (source / "messages").mkdir(parents=True, exist_ok=True)
    for file in [*HERE.glob("*.go"), HERE / "go.mod", HERE / "go.sum"]:
        shutil.copy2(file, source)
    for name, package in PLUGINS.items():
        run(options.go, "build", "-o", options.out / name, package, cwd=source)
    arguments = [f"--{kind}_{key}={value}" for kind in ("go", "go-grpc")
                 for key, value in (("out", source / "messages"), ("opt", "paths=source_relative"),
                                    ("opt", "Mcontrol_plane.proto=ringside.test/interop/messages;messages"))]
    plugins = [f"--plugin={name}={options.out / name}" for name in PLUGINS]
    run(options.protoc, "-I", HERE.parent / "proto", *plugins, *arguments, "control_plane.proto")
    vectors = HERE.parents[1] / "vectors" / "ring.json"
    run(options.go, "test", ".", cwd=source, env={"RING_VECTORS": str(vectors)})
    run(options.go, "build", "-o", options.out / "legacy_peer", ".", cwd=source)


def install_tools(options, run):
    # From a module of our own, whose go.sum pins them: nothing needs to be asked of a checksum database.
    for name, package in TOOLS.items():
        if not (options.out / name).exists():
            run(options.go, "build", "-o", options.out / name, package, cwd=HERE / "tools")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["peer", "tools"])
    parser.add_argument("--go", required=True)
    parser.add_argument("--protoc")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.out = options.out.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    path = f"{pathlib.Path(options.go).parent}:{os.environ['PATH']}"

    def run(*command, cwd=None, env=None):
        print(*command, flush=True)
        subprocess.run(command, cwd=cwd, check=True, env={**os.environ, "PATH": path, "GOFLAGS": "", **(env or {})})

    {"peer": build_peer, "tools": install_tools}[options.what](options, run)


if __name__ == "__main__":
    main()
