"""One page from what the comparisons found."""
