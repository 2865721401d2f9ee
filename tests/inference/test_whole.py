import torch

from hnseg.inference.padding import next_multiple, pad_to
from hnseg.inference.whole import whole_image


def test_pads_to_the_divisor_with_the_fill_and_cuts_it_off_again():
    seen = []

    def net(x):
        seen.append(x.clone())
        return x * 2

    image = torch.randn(2, 5, 8, 9)
    result = whole_image(net, image, divisor=4, fill=(-1024.0, 0.5))
    assert torch.equal(result, image * 2)
    assert seen[0].shape == (1, 2, 8, 8, 12)
    assert torch.equal(seen[0][0, 0, 0], torch.full((8, 12), -1024.0))
    assert torch.equal(seen[0][0, 1, 7], torch.full((8, 12), 0.5))


def test_a_divisor_an_axis():
    assert next_multiple((5, 16, 17), (1, 16, 16)) == (5, 16, 32)
    assert next_multiple((5, 16, 17), 8) == (8, 16, 24)


def test_nothing_is_copied_where_nothing_is_missing():
    image = torch.randn(1, 4, 4, 4)
    padded, inside = pad_to(image, (4, 4, 2), (0.0,))
    assert padded is image
    assert inside == (slice(0, 4),) * 3
