"""Networks in plain torch: images in, logits out. ``__all__`` lists those that a checkpoint may be rebuilt from."""

from hnseg.models.anatomynet import AnatomyNet
from hnseg.models.pet_threshold import PetThreshold
from hnseg.models.res_unet import ResUNet
from hnseg.models.resenc_unet import ResEncUNet
from hnseg.models.senorm_unet import SENormUNet
from hnseg.models.turku_unet import TurkuUNet
from hnseg.models.unet import UNet
from hnseg.models.unet3plus import UNet3Plus

__all__ = ["AnatomyNet", "PetThreshold", "ResEncUNet", "ResUNet", "SENormUNet", "TurkuUNet", "UNet", "UNet3Plus"]
