"""The program that ships is built as cmake/RingsideHardening.cmake says."""
import re
import subprocess

import pytest

import cluster


def said(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def segments(shipped):
    """(type, offset, flags) of each."""
    rows = re.findall(r"^  (\w+) +(0x\w+) 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3})", said("readelf", "-lW", shipped), re.M)
    return [(kind, int(offset, 16), flags.replace(" ", "")) for kind, offset, flags in rows]


@pytest.fixture
def dynamic(shipped):
    return said("readelf", "-dW", shipped)


@pytest.fixture
def imported(shipped):
    return {line.split()[-1].split("@")[0] for line in said("nm", "-D", "--undefined-only", shipped).splitlines()}


def test_it_may_be_loaded_anywhere(shipped, dynamic):
    assert re.search(r"Type: +DYN", said("readelf", "-hW", shipped))
    assert re.search(r"\(FLAGS_1\) .*\bPIE\b", dynamic), dynamic


def test_its_tables_of_addresses_are_read_only(segments, dynamic):
    assert "GNU_RELRO" in [kind for kind, _, _ in segments]
    assert re.search(r"\(FLAGS\) .*\bBIND_NOW\b", dynamic) and re.search(r"\(FLAGS_1\) .*\bNOW\b", dynamic), dynamic
    assert "(TEXTREL)" not in dynamic


def test_nothing_can_be_written_and_executed(segments):
    assert [flags for kind, _, flags in segments if kind == "GNU_STACK"] == ["RW"]
    loaded = [(offset, flags) for kind, offset, flags in segments if kind == "LOAD"]
    assert [flags for _, flags in loaded if "E" in flags] == ["RE"]
    # Where code shares a page with other bytes of the file, those can be executed as well.
    assert all(offset % 0x1000 == 0 for offset, flags in loaded if "E" in flags), loaded


def test_returns_and_copies_are_checked(imported):
    assert "__stack_chk_fail" in imported
    assert {"__memcpy_chk", "__memset_chk"} & imported, sorted(imported)


def test_large_frames_touch_each_of_their_pages():
    probe = r"\tor[lq] +\$0x0,\(%rsp\)" if is_x86() else r"\tstr\s+xzr, \[sp, #1024\]"
    assert re.search(probe, said("objdump", "-d", "--no-show-raw-insn", cluster.RINGSIDE))


def is_x86():
    return "X86-64" in said("readelf", "-hW", cluster.RINGSIDE)


def test_indirect_jumps_lead_to_marked_places():
    head = said("objdump", "-d", "--no-show-raw-insn", "--disassemble=main", cluster.RINGSIDE)
    first = re.search(r"<main>:\n\s*\w+:\s*(.*)", head)[1].strip()
    assert first in (("endbr64",) if is_x86() else ("bti\tc", "paciasp")), first


def test_the_kernel_is_told_so_where_the_c_library_is_built_so(shipped):
    """The linker says it of a program only if it holds for everything that is linked into it."""
    def marks(path):
        return set(re.findall(r"IBT|SHSTK|BTI|PAC", said("readelf", "-nW", path)))
    assert marks(shipped) == marks(said("cc", "-print-file-name=Scrt1.o").strip())


def test_libraries_that_are_mended_by_the_system_are_the_system_s(dynamic):
    needed = re.findall(r"\(NEEDED\) .*\[(.*)\]", dynamic)
    for library in ("libssl.so", "libcrypto.so", "libnghttp2.so", "libcares.so", "libz.so", "libprotobuf.so"):
        assert any(name.startswith(library) for name in needed), needed
    assert not [name for name in needed if "grpc" in name or name.startswith("libgpr")], needed
