"""Networks across data sets: the matrix of training sets by test sets."""
