"""Networks in plain torch: images in, logits out. ``__all__`` lists those that a checkpoint may be rebuilt from."""

from hnseg.models.senorm_unet import SENormUNet
from hnseg.models.unet import UNet

__all__ = ["SENormUNet", "UNet"]
