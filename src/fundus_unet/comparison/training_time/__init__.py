"""How long a training takes to a quality, and where its time goes."""
