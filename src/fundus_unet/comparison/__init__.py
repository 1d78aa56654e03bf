"""The study of upsamplers: accuracy, speed and checkerboards, and a report of what was found."""
