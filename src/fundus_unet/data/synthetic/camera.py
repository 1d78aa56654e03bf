"""From light to an image: aperture, lighting, haze, optics, sensor and JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Colour, Frame
from fundus_unet.data.synthetic.noise import blurred, octave_noise, smooth_noise


def draw_aperture(rng: np.random.Generator, frame: Frame) -> NDArray[np.bool_]:
    """The field of view: a circle, at times cut above and below, at times with the tab that marks the orientation.

    Shapes:
        returns (H, W) bool.
    """
    x, y = frame.grid()
    inside = x**2 + y**2 <= 0.25
    if rng.random() < 0.3:
        angle = np.deg2rad(rng.choice([-45, -135, 45]) + rng.normal(0, 5))
        tab_x, tab_y = 0.497 * np.cos(angle), 0.497 * np.sin(angle)
        if rng.random() < 0.5:
            inside |= np.hypot(x - tab_x, y - tab_y) < rng.uniform(0.015, 0.025)
        else:
            along = (x - tab_x) * np.cos(angle) + (y - tab_y) * np.sin(angle)
            across = (y - tab_y) * np.cos(angle) - (x - tab_x) * np.sin(angle)
            inside |= (np.abs(along) < 0.02) & (np.abs(across) < rng.uniform(0.012, 0.025))
    if rng.random() < 0.35:
        cut = rng.uniform(0.35, 0.47)
        inside &= np.abs(y - rng.normal(0, 0.005)) < cut
    return np.asarray(inside)


def light(rng: np.random.Generator, frame: Frame, scene: Colour) -> Colour:
    """Uneven lighting: a hot spot off the middle, a shaded rim, and haze that lifts the dark."""
    x, y = frame.grid()
    centre = rng.normal(0, 0.13, 2)
    width = rng.uniform(0.30, 0.90)
    spot = np.exp(-0.5 * ((x - float(centre[0])) ** 2 + (y - float(centre[1])) ** 2) / width**2)
    from_middle = np.minimum(2 * np.hypot(x, y), 1.1)
    rim = 1 - rng.uniform(0.05, 0.45) * from_middle ** int(rng.integers(3, 9))
    lighting = spot * rim * np.exp(0.07 * smooth_noise(rng, frame.size, 2))
    lighting = lighting / lighting[from_middle < 0.98].mean()
    # red is lit more evenly than green: it comes from deeper and scatters more
    falloff = np.stack([np.power(lighting, rng.uniform(0.6, 1.0)), lighting, lighting], axis=-1)
    haze = rng.uniform(0.0, 0.14) * np.clip(0.5 + 0.5 * octave_noise(rng, frame.size, 2, 2, 0.5), 0, 1.5)
    haze = haze * from_middle**2
    milk = np.array([0.55, 0.42, 0.30], np.float32) * rng.uniform(0.7, 1.2)
    return np.asarray(scene * falloff * (1 - haze[..., None]) + haze[..., None] * milk, dtype=np.float32)


def sample(rng: np.random.Generator, frame: Frame, scene: Colour, aperture: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Record the scene through the aperture.

    Shapes:
        scene (H, W, 3) with 1 as full scale; returns (H, W, 3) uint8.
    """
    pixel = frame.size / 512
    shape = (frame.size, frame.size, 3)
    edge = blurred(aperture.astype(np.float32), rng.uniform(0.5, 1.3) * max(pixel, 0.5))
    black = 255 * rng.uniform(0.0, 0.022) * rng.uniform(0.4, 1.0, 3)
    exposed = 255 * _soft_clip(scene) * edge[..., None] + black.astype(np.float32) * (1 - edge[..., None])
    grain = _sensor_noise(rng, shape, exposed, rng.uniform(1.0, 4.0))
    defocus = float(rng.choice([rng.uniform(0.35, 0.8), rng.uniform(0.7, 1.3)], p=[0.7, 0.3])) * max(pixel, 0.5)
    seen = blurred(exposed + grain, defocus)
    if rng.random() < 0.3:
        # cameras sharpen, which leaves a bright line along the vessels
        amount = rng.uniform(0.2, 0.7)
        seen = seen + amount * (seen - blurred(seen, 1.6 * max(pixel, 0.5)))
    seen = seen + _sensor_noise(rng, shape, seen, rng.uniform(0.3, 1.3))
    return _jpeg(np.clip(np.round(seen), 0, 255).astype(np.uint8), int(rng.integers(72, 98)))


def _soft_clip(scene: Colour) -> Colour:
    """Full scale is approached, not hit at once: the red of a bright retina runs into it all the time."""
    eighth = np.square(np.square(np.square(scene)))
    return np.asarray(scene / np.sqrt(np.sqrt(np.sqrt(1 + eighth))), dtype=np.float32)


def _sensor_noise(rng: np.random.Generator, shape: tuple[int, ...], exposed: Colour, sigma: float) -> Colour:
    """Grain that grows with the light and is partly shared by the colours."""
    grain = rng.standard_normal(shape, dtype=np.float32)
    grain = 0.75 * grain + 0.65 * grain[..., 1:2]
    return np.asarray(sigma * grain * np.sqrt(0.25 + np.clip(exposed, 0, 255) / 150), dtype=np.float32)


def _jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)
