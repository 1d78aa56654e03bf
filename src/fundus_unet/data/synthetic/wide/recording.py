"""From light to a file: haze and stray light, optics, sensor, the camera's own processing, and JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Colour, Frame, Plane
from fundus_unet.data.synthetic.wide.eye import Eye
from fundus_unet.data.synthetic.wide.family import Family
from fundus_unet.data.synthetic.wide.retina import Ground, low_noise
from fundus_unet.data.synthetic.wide.texture import white_noise


def stray_light(rng: np.random.Generator, eye: Eye, ground: Ground) -> tuple[Plane, NDArray[np.float64], Colour | None]:
    """Haze of a cloudy lens and light that never saw the retina.

    Shapes:
        share of the haze in the light, (h, w); its colour, (3,); what else is added, (h, w, 3), None for nothing.
    """
    size = ground.frame.size
    square = 4 * (ground.x * ground.x + ground.y * ground.y)
    strength = rng.uniform(0.0, 0.06) + (1 - eye.clarity) * rng.uniform(0.0, 0.5)
    haze = np.float32(strength) * np.clip(0.55 + 0.45 * low_noise(rng, size, 2, 2), 0, 1.6)
    haze *= np.minimum(np.float32(rng.uniform(0.2, 1.0)) + square, 1.3)
    milk = np.array([0.62, 0.45, 0.32]) * rng.uniform(0.5, 1.15) * np.exp(rng.normal(0, 0.1, 3))
    added = np.zeros((size, size, 3), np.float32)
    if rng.random() < 0.14:  # a crescent at the rim
        _add(added, _crescent(rng, ground), rng.uniform(0.08, 0.5), rng.uniform([0.5, 0.3, 0.1], [0.9, 0.7, 0.7]))
    if rng.random() < 0.08:  # the lens mirrors the flash
        place, width = rng.uniform(-0.35, 0.35, 2), rng.uniform(0.01, 0.09)
        dx, dy = ground.x - np.float32(place[0]), ground.y - np.float32(place[1])
        spot = np.asarray(cv2.exp((dx * dx + dy * dy) * np.float32(-0.5 / width**2)), dtype=np.float32)
        _add(added, spot, rng.uniform(0.1, 0.5), rng.uniform([0.5, 0.5, 0.5], [0.9, 0.9, 1.0]))
    if rng.random() < 0.06:  # dust on the lens, out of focus
        for _ in range(int(rng.integers(1, 8))):
            place, radius = rng.uniform(-0.45, 0.45, 2), rng.uniform(0.006, 0.02)
            away = np.hypot(ground.x - np.float32(place[0]), ground.y - np.float32(place[1]))
            _add(added, (np.abs(away - radius) < 0.3 * radius).astype(np.float32), rng.uniform(0.02, 0.12), np.ones(3))
        added = np.asarray(cv2.GaussianBlur(added, (0, 0), 1.0), dtype=np.float32)
    return haze, milk, added if added.any() else None


def _add(light: Colour, where: Plane, strength: float, colour: NDArray[np.float64]) -> None:
    light += np.float32(strength) * where[..., None] * colour.astype(np.float32)


def _crescent(rng: np.random.Generator, ground: Ground) -> Plane:
    turn, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.14)
    dx, dy = ground.x - np.float32(depth * np.cos(turn)), ground.y - np.float32(depth * np.sin(turn))
    beyond = np.sqrt(dx * dx + dy * dy) - np.float32(0.5 - 0.2 * depth)
    return np.asarray(np.clip(beyond * np.float32(1 / rng.uniform(0.02, 0.08)), 0, 1.2), dtype=np.float32)


def record(
    rng: np.random.Generator, eye: Eye, frame: Frame, family: Family, scene: list[Plane], aperture: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Record the light that falls through the aperture.

    Shapes:
        scene: red, green and blue (H, W), 1 is full scale, written to; returns (H, W, 3) uint8.
    """
    size = frame.size
    pixel = max(size / 512, 0.5)
    edge = cv2.GaussianBlur(aperture.view(np.uint8) * np.uint8(255), (0, 0), rng.uniform(0.5, 1.6) * pixel)
    beyond = 1 - edge * np.float32(1 / 255)
    edge = edge.astype(np.float32)
    black = 255 * rng.uniform(0.0, 0.024) * rng.uniform(0.4, 1.0, 3)
    blur = family.blur * pixel * rng.uniform(0.5, 1.1) * (1 + (1 - eye.clarity) * rng.uniform(0.0, 2.5))
    grain = family.grain * rng.uniform(0.4, 1.8)
    # the pixels' colours are made from their neighbours', so that the grain is no longer white
    smooth = 0.45 if grain > 1.2 else 0.0
    shared = white_noise(rng, size, smooth)
    sharpened, amount = rng.random() < family.sharpened, rng.uniform(0.25, 1.0)
    colours = rng.uniform(0, 0.5) * pixel if rng.random() < 0.3 else 0.0
    planes = []
    noise = np.empty((size, size), np.float32)
    for channel, light in enumerate(scene):
        plane = _soft(light) if channel == 0 else np.minimum(light, np.float32(1.0), out=light)
        plane *= edge
        if black[channel] > 0.3:
            cv2.scaleAdd(beyond, black[channel], plane, dst=plane)
        # what lies further from the optical axis is drawn at another size in red and in blue
        if colours and channel != 1:
            plane = _scaled(plane, frame, 1 + (channel - 1) * 2 * colours / frame.diameter)
        own = max(blur * (1 + 0.3 * (channel == 2)), 0.3)
        plane = cv2.GaussianBlur(plane, (0, 0), own)
        cv2.addWeighted(white_noise(rng, size, smooth), 0.4 * grain, shared, 0.35 * grain, 0, dst=noise)
        # there is more noise where there is more light
        cv2.accumulateProduct(noise, plane * np.float32(0.009) + np.float32(0.9), plane)
        planes.append(plane)
    seen = cv2.merge(planes)
    wide = cv2.GaussianBlur(seen, (0, 0), 1.6 * pixel) if sharpened else seen
    change = amount if sharpened else 0.0
    seen = cv2.addWeighted(seen, 1 + change, wide, -change, 0, dtype=cv2.CV_8U)
    return _toned(rng, np.asarray(seen, dtype=np.uint8))


def _soft(light: Plane) -> Plane:
    """Full scale is approached, not hit at once: the red of a bright retina runs into it all the time."""
    square = light * light
    return np.asarray(light / cv2.sqrt(cv2.sqrt(1 + square * square)))


def _scaled(plane: Plane, frame: Frame, factor: float) -> Plane:
    x, y = frame.centre
    matrix = np.array([[factor, 0, x - factor * x], [0, factor, y - factor * y]])
    return np.asarray(
        cv2.warpAffine(plane, matrix, plane.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def _toned(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The camera's tone curve; a few pictures are red-free or grey."""
    if rng.random() < 0.04:
        grey = image[..., 1] if rng.random() < 0.7 else image.mean(axis=2).astype(np.uint8)
        gain = rng.uniform(0.65, 1.0) * 255 / max(int(np.percentile(grey[::4, ::4], 99.5)), 1)
        image = np.repeat(np.clip(grey * gain, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    gamma, contrast = rng.lognormal(0, 0.12), rng.normal(0, 0.12)
    x = np.arange(256) / 255
    curve = x**gamma
    curve = curve + contrast * curve * (1 - curve) * (2 * curve - 1)
    return np.asarray(cv2.LUT(image, np.clip(np.rint(255 * curve), 0, 255).astype(np.uint8)), dtype=np.uint8)


def jpeg(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What is left after the picture was written as JPEG, at times in another size."""
    if rng.random() < 0.12:  # kept without loss
        return image
    size = image.shape[0]
    quality = int(rng.integers(80, 99)) if rng.random() < 0.75 else int(rng.integers(35, 80))
    small = round(size * rng.uniform(0.6, 0.95)) if rng.random() < 0.12 else size
    if small != size:
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA).astype(np.uint8)
    _, code = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR)
    assert decoded is not None
    if small != size:
        decoded = cv2.resize(decoded, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)
