import pytest

from hnseg.io import UnreadableImageError, memory
from hnseg.io.memory import available_memory_bytes, check_declared_size, check_stored_size


def test_this_machine_has_memory():
    assert 1 << 20 < available_memory_bytes() < 1 << 50


def cgroup(folder, limit, used, inactive):
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\n")
    return ((str(folder), "memory.max", "memory.current", "inactive_file"),)


def test_a_container_limit_counts_and_its_page_cache_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUPS", cgroup(tmp_path, 1000, 900, 300))
    assert available_memory_bytes() == 400


def test_no_container_limit_leaves_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUPS", cgroup(tmp_path, "max", 900, 300))
    assert available_memory_bytes() > 1 << 20


def test_an_image_must_fit_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_memory_bytes", lambda: 400)
    check_declared_size(tmp_path, (10, 10), 2)
    with pytest.raises(UnreadableImageError, match="10 x 11 voxels, which need 440 bytes of memory where 400 bytes"):
        check_declared_size(tmp_path, (10, 11), 2)


def test_stored_bytes_bound_what_can_be_declared(tmp_path):
    check_stored_size(tmp_path, 100, 100, compressed=False)
    check_stored_size(tmp_path, 100_000, 100, compressed=True)
    for declared, compressed in ((101, False), (200_000, True)):
        with pytest.raises(UnreadableImageError, match="cut short"):
            check_stored_size(tmp_path, declared, 100, compressed)
