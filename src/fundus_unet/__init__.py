"""fundus-unet: U-Nets that segment blood vessels in fundus photographs, with a choice of decoder upsampling."""
