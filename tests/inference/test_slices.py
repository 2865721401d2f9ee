import pytest
import torch

from hnseg.inference.slices import joined, slice_by_slice


@pytest.mark.parametrize("batch_size", [1, 3, 7, 20])
def test_every_slice_for_itself_padded_to_the_divisor(batch_size):
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(2, 3, 3, padding=1).requires_grad_(False)
    seen, told = [], []

    def net(x):
        seen.append(x)
        return conv(x.squeeze(2)).unsqueeze(2)

    image = torch.randn(2, 7, 10, 13)
    how = ((4, 8), (-1024.0, 0.5), batch_size, None, lambda *counted: told.append(counted))
    result = joined(slice_by_slice(net, image, *how), 7)
    for z in range(7):
        padded = torch.stack([torch.full((12, 16), fill) for fill in (-1024.0, 0.5)])
        padded[:, 1:11, 1:14] = image[:, z]
        torch.testing.assert_close(result[:, z], conv(padded[None])[0, :, 1:11, 1:14], atol=2e-4, rtol=0)
    sizes = [len(x) for x in seen]
    assert sizes == [batch_size] * (7 // batch_size) + [7 % batch_size] * (7 % batch_size > 0)
    assert told[-1] == (7, 7)
    assert len(told) == len(sizes)


def test_slabs_come_a_call_at_a_time():
    slabs = slice_by_slice(lambda x: x * 2, torch.ones(1, 5, 4, 4), (1, 1), (0.0,), 2)
    assert next(slabs).shape == (1, 2, 4, 4)
    assert [slab.shape[1] for slab in slabs] == [2, 1]


def test_joined_wants_every_slice():
    with pytest.raises(AssertionError, match="2 slices of 3"):
        joined(iter([torch.ones(1, 2, 4, 4)]), 3)
