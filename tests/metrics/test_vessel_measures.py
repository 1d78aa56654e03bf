"""Measures of shapes whose values are known."""

import cv2
import numpy as np
import pytest

from fundus_unet.metrics.topology import skeleton_of
from fundus_unet.metrics.vessel_measures import calibres, fractal_dimension, tortuosity
from fundus_unet.metrics.vessel_tree import vessel_tree


def segments(mask: np.ndarray) -> tuple[np.ndarray, ...]:
    return vessel_tree(mask, skeleton_of(mask)).segments


def curve(x: np.ndarray, y: np.ndarray, width: int = 5, size: tuple[int, int] = (500, 500)) -> np.ndarray:
    image = np.zeros(size, np.uint8)
    points = (np.stack([x, y], axis=1) * 16).round().astype(np.int32)
    cv2.polylines(image, [points.reshape(-1, 1, 2)], False, 1, width, shift=4)
    return image.astype(bool)


class TestCalibre:
    @pytest.mark.parametrize("width", range(1, 13))
    @pytest.mark.parametrize("axis", [0, 1])
    def test_a_bar_is_as_wide_as_it_is(self, width, axis):
        mask = np.zeros((100, 100), bool)
        mask[40 : 40 + width, 5:95] = True
        mask = mask if axis else mask.T
        found = calibres(mask, np.concatenate(segments(mask)), 1)
        assert np.median(found) == width
        assert found.mean() == pytest.approx(width, rel=0.1)

    @pytest.mark.parametrize("angle", [10, 27, 45, 63])
    @pytest.mark.parametrize("width", [4, 7, 12])
    def test_at_any_angle(self, width, angle):
        y, x = np.mgrid[:200, :200] - 100.0
        along = np.deg2rad(angle)
        mask = (np.abs(x * np.sin(along) - y * np.cos(along)) <= width / 2) & (np.hypot(x, y) < 90)
        found = calibres(mask, np.concatenate(segments(mask)), 1)
        assert np.median(found) == pytest.approx(width, abs=0.7)

    @pytest.mark.parametrize("scale", [0.5, 0.23])
    @pytest.mark.parametrize("side", [400, 1800])
    def test_centres_found_on_a_coarser_grid(self, scale, side):
        mask = np.zeros((side, side), bool)
        mask[side // 2 : side // 2 + 20, 50 : side - 50] = True
        size = round(side * scale)
        small = cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA) >= 0.5
        found = calibres(mask, np.concatenate(segments(small)), size / side)
        assert np.median(found) == pytest.approx(20, abs=0.6)


class TestTortuosity:
    @pytest.mark.parametrize("angle", range(0, 91, 15))
    def test_a_straight_vessel_has_1_in_every_direction(self, angle):
        along = np.deg2rad(angle)
        x, y = (250 + 200 * np.array([-1, 1]) * f(along) for f in (np.cos, np.sin))
        assert tortuosity(segments(curve(x, y))) == pytest.approx(1, abs=0.01)

    def test_a_half_circle(self):
        angles = np.linspace(0, np.pi, 400)
        mask = curve(250 + 150 * np.cos(angles), 300 - 150 * np.sin(angles))
        assert tortuosity(segments(mask)) == pytest.approx(np.pi / 2, rel=0.02)

    @pytest.mark.parametrize("height", [10, 25, 40])
    def test_a_wave(self, height):
        x = np.linspace(30, 470, 4000)
        y = 250 + height * np.sin(2 * np.pi * (x - 30) / 110)
        expected = np.hypot(np.diff(x), np.diff(y)).sum() / 440
        assert tortuosity(segments(curve(x, y))) == pytest.approx(expected, rel=0.04)

    def test_several_segments_together(self):
        angles = np.linspace(0, np.pi, 400)
        mask = curve(250 + 100 * np.cos(angles), 200 - 100 * np.sin(angles))
        mask |= curve(np.array([50, 450]), np.array([400, 400]))
        expected = (100 * np.pi + 400) / (200 + 400)
        assert tortuosity(segments(mask)) == pytest.approx(expected, rel=0.02)

    def test_what_has_no_chord(self):
        ring = np.zeros((200, 200), np.uint8)
        cv2.circle(ring, (100, 100), 60, 1, 3)
        assert tortuosity(segments(ring.astype(bool))) is None
        assert tortuosity([]) is None
        assert tortuosity([np.array([[0, 0], [0, 1], [0, 2]])]) is None


class TestFractalDimension:
    def test_a_line_has_1(self):
        line = np.zeros((512, 512), bool)
        line[256] = True
        assert fractal_dimension(line, 512) == pytest.approx(1, abs=0.02)
        assert fractal_dimension(np.eye(512, dtype=bool), 512) == pytest.approx(1, abs=0.02)

    def test_a_filled_square_has_2(self):
        assert fractal_dimension(np.ones((512, 512), bool), 512) == pytest.approx(2, abs=0.02)

    def test_a_carpet(self):
        """Sierpinski's: log 8 / log 3."""
        carpet = np.ones((1, 1), bool)
        for _ in range(6):
            hole = np.zeros_like(carpet)
            carpet = np.block([[carpet, carpet, carpet], [carpet, hole, carpet], [carpet, carpet, carpet]])
        assert fractal_dimension(carpet, 729) == pytest.approx(np.log(8) / np.log(3), abs=0.05)

    def test_a_snowflake_curve(self):
        """Koch's: log 4 / log 3."""
        points = np.array([0, 1], complex)
        for _ in range(6):
            start, step = points[:-1], np.diff(points) / 3
            peak = start + step + step * np.exp(1j * np.pi / 3)
            points = np.append(np.stack([start, start + step, peak, start + 2 * step], axis=1).ravel(), points[-1])
        mask = curve(20 + 980 * points.real, 400 - 980 * points.imag, 1, (500, 1020))
        assert fractal_dimension(skeleton_of(mask), 980) == pytest.approx(np.log(4) / np.log(3), abs=0.06)

    def test_of_an_image_twice_as_large_it_is_the_same(self):
        generator = np.random.default_rng(0)
        x, y = (np.cumsum(generator.normal(0, 6, 900)) + 250 for _ in range(2))
        small, large = curve(x, y, 1), curve(2 * x, 2 * y, 1, (1000, 1000))
        assert fractal_dimension(skeleton_of(large), 1000) == pytest.approx(
            fractal_dimension(skeleton_of(small), 500), abs=0.05
        )

    def test_too_little(self):
        assert fractal_dimension(np.zeros((100, 100), bool), 100) is None
        assert fractal_dimension(np.ones((8, 8), bool), 8) is None
