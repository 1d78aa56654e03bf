"""Other networks that the same upsamplers live in: DCGAN, VAE, FCN."""
