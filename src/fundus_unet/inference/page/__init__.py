"""The page that shows what came out of a batch: every image with its vessels, sorted and filtered in a browser."""

from fundus_unet.inference.page.page import PAGE, Page
from fundus_unet.inference.page.selection import Selection

__all__ = ["PAGE", "Page", "Selection"]
