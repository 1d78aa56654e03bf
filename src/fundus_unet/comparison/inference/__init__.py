"""Time, memory and accuracy of one trained network executed in several ways."""
