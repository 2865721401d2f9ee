from dataclasses import replace
from pathlib import Path

import gdcm
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from hnseg.geometry import from_sitk
from hnseg.io.dicom import pixels
from hnseg.io.dicom.isolated import run_isolated
from hnseg.io.dicom.objects import Limits, RefusedDicomError
from hnseg.io.dicom.pixels import pixels_task, read_series
from hnseg.io.dicom.stack import stack
from hnseg.types import Grid
from tests.io.dicom.making import image_dataset, put_pixels, write, write_series

GRID = Grid((3, 6, 4), (2.5, 0.75, 0.5), (-3.25, 4.0, 100.5))
RNG = np.random.default_rng(6)
HU = RNG.integers(-1024, 3072, GRID.shape_zyx).astype(float)
WIDE = replace(GRID, shape_zyx=(2, 40, 48))  # GDCM's encoders crash on a few pixels
WIDE_HU = RNG.integers(-1024, 3072, WIDE.shape_zyx).astype(float)
JPEG = gdcm.TransferSyntax


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """The child's work without the child."""
    monkeypatch.setattr(pixels, "run_isolated", lambda _, given, folder, __: pixels_task(given | {"folder": folder}))


def with_gdcm(headers, syntax):
    """The same files compressed by GDCM, which is not what made them."""
    for header in headers:
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(header.path))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(header.path))
        assert writer.Write()
    uid = str(dcmread(headers[0].path).file_meta.TransferSyntaxUID)
    return tuple(replace(header, transfer_syntax_uid=uid) for header in headers)


def itk(headers):
    """The files in their order as SimpleITK reads and stacks them."""
    return from_sitk(sitk.ReadImage([str(header.path) for header in headers]))


def refused(headers, reason, limits=Limits()):  # noqa: B008
    with pytest.raises(RefusedDicomError) as refusal:
        read_series(stack(headers), limits)
    assert refusal.value.reason == reason, refusal.value
    assert not [word for word in ("Secret", "SECRET", str(headers[0].path.parent)) if word in str(refusal.value)]
    return str(refusal.value)


def test_a_series_is_read_in_a_child(tmp_path, monkeypatch):
    monkeypatch.setattr(pixels, "run_isolated", run_isolated)
    headers = write_series(tmp_path, HU, GRID)
    volume = read_series(stack(headers[::-1]))
    np.testing.assert_array_equal(volume.array, HU)
    assert volume.array.dtype == np.int16
    assert volume.array.flags.writeable
    assert volume.grid.matches(GRID, 1e-6)


@pytest.mark.parametrize("stored", ["int16", "uint16", "int32", "uint32"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_every_pixel_format_is_read_as_simpleitk_reads_it(stored, syntax, tmp_path):
    headers = write_series(tmp_path, HU, GRID, stored=stored, syntax=syntax)
    volume, theirs = read_series(stack(headers)), itk(headers)
    np.testing.assert_array_equal(volume.array, HU)
    np.testing.assert_array_equal(volume.array, theirs.array)
    assert volume.grid.matches(theirs.grid, 1e-4)


@pytest.mark.parametrize("stored", ["int16", "uint16"])
@pytest.mark.parametrize("syntax", [JPEG.JPEGLosslessProcess14, JPEG.JPEGLosslessProcess14_1, JPEG.JPEG2000Lossless])
def test_lossless_jpeg_is_read(stored, syntax, tmp_path):
    headers = with_gdcm(write_series(tmp_path, WIDE_HU, WIDE, stored=stored), syntax)
    np.testing.assert_array_equal(read_series(stack(headers)).array, WIDE_HU)
    np.testing.assert_array_equal(itk(headers).array, WIDE_HU)


@pytest.mark.parametrize("stored", ["int16", "uint16"])
@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
def test_jpeg_ls_and_run_lengths_are_read(stored, syntax, tmp_path):
    headers = write_series(tmp_path, WIDE_HU, WIDE, stored=stored, syntax=syntax)
    np.testing.assert_array_equal(read_series(stack(headers)).array, WIDE_HU)
    np.testing.assert_array_equal(itk(headers).array, WIDE_HU)


@pytest.mark.parametrize(("sign", "high_bit"), [(0, 11), (1, 11), (0, 15), (1, 14)])
def test_twelve_bits_are_read_wherever_they_lie_in_sixteen(sign, high_bit, tmp_path):
    stored = (HU[:1] + 1024 - 2048 * sign).astype(int)
    (header,) = write_series(tmp_path, HU[:1], replace(GRID, shape_zyx=(1, 6, 4)), intercepts=-1024.0 + 2048 * sign)
    dataset = dcmread(header.path)
    below = high_bit - 11
    # what lies around the stored bits, as an old overlay did, is noise
    noise = (0xA5A5 & ~(0xFFF << below)) & 0xFFFF
    dataset.PixelData = (((stored & 0xFFF) << below) | noise).astype("<u2").tobytes()
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, high_bit, sign
    dataset.save_as(header.path)
    np.testing.assert_array_equal(read_series(stack([header])).array, HU[:1])


def test_slopes_that_differ_between_files_do_not_overflow(tmp_path):
    # stored values at both ends of int16, as a Philips PET has them, with slopes of 1 to 4
    slopes = [1.0, 2.5, 3.94]
    activity = np.array([[32767.0] * 12 + [1.0] * 12] * 3).reshape(GRID.shape_zyx) * np.reshape(slopes, (3, 1, 1))
    headers = write_series(tmp_path / "pt", activity, GRID, "pt", slopes=slopes)
    factors = pixels.suv_factors(stack(headers))
    volume = read_series(stack(headers))
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.array, activity * factors.reshape(3, 1, 1), rtol=1e-6)
    assert volume.array.min() >= 0


def test_each_file_of_a_pet_has_its_own_factor(tmp_path, monkeypatch):
    activity = RNG.integers(0, 30000, GRID.shape_zyx).astype(float)
    headers = write_series(tmp_path, activity, GRID, "pt", intercepts=[0.0, -10.0, 500.0])
    factors = np.array([1e-4, 2e-4, 5e-5])
    monkeypatch.setattr(pixels, "suv_factors", lambda _: factors)
    volume = read_series(stack(headers))
    np.testing.assert_array_equal(volume.array, (activity * factors.reshape(3, 1, 1)).astype(np.float32))


def test_hu_are_int16_only_where_nothing_is_lost(tmp_path):
    def dtype_of(name, array, **how):
        headers = write_series(tmp_path / name, array, GRID, **how)
        volume = read_series(stack(headers))
        np.testing.assert_allclose(volume.array, array, atol=1e-3)
        return volume.array.dtype

    assert dtype_of("whole", HU, slopes=[1.0, 0.5, 2.0 / 2]) == np.int16
    assert dtype_of("halves", HU + 0.5, slopes=0.5) == np.float32
    assert dtype_of("one file", HU + np.reshape([0.5, 0, 0], (3, 1, 1)), slopes=[0.5, 1, 1]) == np.float32
    assert dtype_of("large", HU * 20, stored="int32") == np.float32
    padded = HU.copy()
    padded[0, 0] = -3024
    assert dtype_of("padding", padded, tags={"PixelPaddingValue": -2000}) == np.int16


def test_a_tilted_gantry_is_set_upright(tmp_path):
    headers = write_series(tmp_path, np.full(GRID.shape_zyx, 40.0), GRID)
    series = stack(headers)
    shift = np.array([[0.0, 0], [0.5, 0], [1.0, 0]])
    upright = replace(series, shift_px=shift, grid=replace(GRID, shape_zyx=(3, 7, 4)))
    volume = read_series(upright)
    assert volume.array.shape == (3, 7, 4)
    assert volume.array.dtype == np.float32
    assert (volume.array[0, 6] == -1024).all()
    assert (volume.array[2, 0] == -1024).all()
    assert (volume.array[1, 1:6] == 40).all()


def test_what_would_not_fit_is_refused_before_anything_is_decoded(tmp_path, monkeypatch):
    headers = write_series(tmp_path, HU, GRID)
    monkeypatch.setattr(pixels, "run_isolated", None)
    large = replace(stack(headers), grid=replace(GRID, shape_zyx=(3, 512, 512)))
    with pytest.raises(RefusedDicomError, match="2 MiB are the limit"):
        read_series(large, Limits(series_mib=2))
    monkeypatch.setattr(pixels, "available_memory_bytes", lambda: 72 * 8 - 1)
    assert "3 x 6 x 4 voxels" in refused(headers, "too_large")


def test_a_file_that_changed_meanwhile_is_refused(tmp_path):
    headers = write_series(tmp_path, HU, GRID)
    headers[1].path.write_bytes(headers[0].path.read_bytes())
    refused(headers, "changed")
    headers[1].path.unlink()
    refused(headers, "unreadable")


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("BitsAllocated", 12, "pixel_format"),
        ("BitsStored", 17, "pixel_format"),
        ("BitsStored", None, "pixel_format"),
        ("HighBit", 20, "pixel_format"),
        ("PixelRepresentation", None, "pixel_format"),
        ("PixelRepresentation", 2, "pixel_format"),
        ("PhotometricInterpretation", "PALETTE COLOR", "colour"),
        ("NumberOfFrames", 2, "enhanced"),
        ("PixelData", bytes(10), "undecodable"),
        ("PixelData", bytes(56), "undecodable"),
    ],
)
def test_pixel_formats_that_mean_nothing_are_refused(keyword, value, reason, tmp_path):
    headers = write_series(tmp_path, HU, GRID)
    dataset = dcmread(headers[1].path)
    if value is None:
        delattr(dataset, keyword)
    else:
        setattr(dataset, keyword, value)
    dataset.save_as(headers[1].path)
    refused(headers, reason)


def test_what_does_not_change_a_value_may_be_absent(tmp_path):
    headers = write_series(
        tmp_path, HU, GRID, tags={"PhotometricInterpretation": None, "SamplesPerPixel": None, "HighBit": None}
    )
    np.testing.assert_array_equal(read_series(stack(headers)).array, HU)


@pytest.mark.filterwarnings("ignore:The pixel data is 54 bytes")
def test_a_few_bytes_behind_the_pixels_are_no_row(tmp_path):
    headers = write_series(tmp_path, HU, GRID)
    dataset = dcmread(headers[1].path)
    dataset.PixelData += bytes(6)
    dataset.save_as(headers[1].path)
    np.testing.assert_array_equal(read_series(stack(headers)).array, HU)


def test_damaged_and_unknown_compression_is_refused_by_name(tmp_path):
    headers = with_gdcm(write_series(tmp_path, HU, GRID), JPEG.JPEGLosslessProcess14_1)
    content = bytearray(headers[1].path.read_bytes())
    start = content.index(b"\xff\xd8")
    content[start + 20 : start + 60] = bytes(40)
    headers[1].path.write_bytes(content)
    assert "JPEG Lossless" in refused(headers, "undecodable")
    private = [replace(header, transfer_syntax_uid="1.2.840.113619.5.2") for header in headers]
    assert "private" in refused(private, "undecodable")


def test_a_slope_beyond_all_numbers_is_refused(tmp_path):
    headers = write_series(tmp_path, HU, GRID)
    assert headers[0].image is not None
    endless = [replace(h, image=replace(h.image, rescale_slope=1e300)) for h in headers]
    refused(endless, "rescale")


def test_a_useless_result_of_the_child_is_a_refusal(tmp_path, monkeypatch):
    headers = write_series(tmp_path, HU, GRID)

    def short(_task, _arguments, folder, _limits):
        np.save(Path(folder) / "voxels.npy", np.zeros((3, 6, 3), np.float32))
        return {"whole": True}

    monkeypatch.setattr(pixels, "run_isolated", short)
    refused(headers, "crashed")


def test_no_file_is_left_behind(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(pixels.tempfile, "tempdir", str(tmp_path / "temporary"))
    headers = write_series(tmp_path / "ct", HU, GRID)
    read_series(stack(headers))
    dataset = image_dataset(GRID, 1, "ct", headers[0].series_uid, "1.2", "1.3")
    put_pixels(dataset, np.zeros((5, 4)), np.dtype("int16"))
    write(dataset, headers[1].path)
    refused(headers, "undecodable")
    assert not list((tmp_path / "temporary").iterdir())
