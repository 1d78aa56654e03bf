"""fundus-unet: U-Nets that segment blood vessels in fundus images, with a choice of decoder upsampling."""
