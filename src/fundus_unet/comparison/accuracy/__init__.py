"""Accuracy of trained variants: scores over seeds and images, and which differences are more than noise."""
