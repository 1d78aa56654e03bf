"""One module per script: from a composed configuration to calls of the packages below."""
