"""Predict many images: threads read ahead and write behind, so that the network waits for neither."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from fundus_unet.core.errors import InputError
from fundus_unet.core.plain_text import printable
from fundus_unet.data.images.decoding import pixel_count
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.cost import Cost
from fundus_unet.inference.ensemble import Ensemble
from fundus_unet.inference.map_warnings import map_warnings
from fundus_unet.inference.measures import Measures, MeasuresTable, measured
from fundus_unet.inference.new_image import NewImage, read_new_image
from fundus_unet.inference.outputs import UNCERTAINTY, Outputs
from fundus_unet.inference.pixel_budget import PixelBudget
from fundus_unet.inference.predictor import Maps, Predictor
from fundus_unet.inference.record import ERROR, OK, WARNING, Record
from fundus_unet.inference.sources import Source
from fundus_unet.inference.stage_rates import NETWORK, READING, WRITING, StageRates
from fundus_unet.inference.vessel_scale import VesselScale
from fundus_unet.metrics.masks import MaskRule
from fundus_unet.metrics.topology import skeleton_length, skeleton_of

MOST_AT_ONCE = 16
"""Images that are written together; a kill costs no more."""


@dataclass(frozen=True)
class _Read:
    source: Source
    pixels: int
    seconds: float
    sample: NewImage | None  # None: it could not be read, and that is told already


class _Predicted(NamedTuple):
    item: _Read
    maps: Maps
    seconds: float


class _Drawn(NamedTuple):
    predicted: _Predicted
    record: Record
    measures: Measures | None
    files: dict[Path, bytes]
    seconds: float

    @property
    def source(self) -> Source:
        return self.predicted.item.source


@dataclass(frozen=True)
class BatchPrediction:
    """Reads, predicts and writes images.

    Args:
        rule: Makes the masks.
        batch_size: Images that follow each other and are equal in size at working resolution go through the network
            at once.
        pixels_in_memory: Bounds those that are read and not yet written, one image excepted.
        rates: Told what every image costs at each stage.
        measures: Gets a row of every image that is written.
        vessel_scale: Chooses another working resolution by an image's vessels; None: the preprocessor's is kept.
    """

    predictor: Predictor | Ensemble
    preprocessor: Preprocessor
    outputs: Outputs
    rule: MaskRule
    batch_size: int = 1
    read_threads: int = 2
    write_threads: int = 2
    pixels_in_memory: int = 64_000_000
    rates: StageRates = field(default_factory=StageRates)
    measures: MeasuresTable | None = None
    vessel_scale: VesselScale | None = None

    def run(self, sources: Sequence[Source], on_done: Callable[[Record], None]) -> None:
        """Predict every source; whatever goes wrong with one is its row's, and the others go on.

        Args:
            on_done: Gets every row, from any thread.
        """
        budget = PixelBudget(self.pixels_in_memory)
        unwritten: deque[_Predicted] = deque()
        reading, writing = ThreadPoolExecutor(self.read_threads), ThreadPoolExecutor(self.write_threads)
        try:
            items = self._read_ahead(sources, reading, budget, on_done)
            for batch in self._batches(self._fitted(items, budget, on_done)):
                self._predict(batch, unwritten, writing, budget, on_done)
        finally:  # an interruption loses what is being read, not what is being written
            reading.shutdown(cancel_futures=True)
            writing.shutdown()

    def _read_ahead(
        self,
        sources: Sequence[Source],
        pool: ThreadPoolExecutor,
        budget: PixelBudget,
        on_done: Callable[[Record], None],
    ) -> Iterator[_Read | None]:
        """Images in order; None where the next one has to wait until all before it are written."""
        waiting: deque[Future[_Read]] = deque()
        for source, pixels in self._counted(sources, pool):
            while waiting and (len(waiting) > self.read_threads or not budget.has_room(pixels)):
                yield waiting.popleft().result()
            if not budget.has_room(pixels):
                yield None
            budget.take(pixels)
            waiting.append(pool.submit(self._read, source, pixels, budget, on_done))
        while waiting:
            yield waiting.popleft().result()

    def _counted(self, sources: Sequence[Source], pool: ThreadPoolExecutor) -> Iterator[tuple[Source, int]]:
        """Sources with their pixels. Their files are opened ahead: who waits for a disk also waits for Python."""
        ahead: deque[tuple[Source, Future[int]]] = deque()
        for source in sources:
            ahead.append((source, pool.submit(_pixels_of, source)))
            if len(ahead) > 2 * self.read_threads:
                source, pixels = ahead.popleft()
                yield source, pixels.result()
        yield from ((source, pixels.result()) for source, pixels in ahead)

    def _read(self, source: Source, pixels: int, budget: PixelBudget, on_done: Callable[[Record], None]) -> _Read:
        cost, sample = Cost(), None
        try:
            sample = read_new_image(source, self.preprocessor)
        except Exception as error:
            budget.give_back(pixels)
            on_done(failed(source, error))
        seconds = cost.seconds()
        if sample is not None:
            self.rates.add(READING, seconds)
        return _Read(source, pixels, seconds, sample)

    def _fitted(
        self, items: Iterator[_Read | None], budget: PixelBudget, on_done: Callable[[Record], None]
    ) -> Iterator[_Read | None]:
        """The same images, each at the working resolution that its vessels ask for."""
        for item in items:
            if self.vessel_scale is None or item is None or item.sample is None:
                yield item
                continue
            cost = Cost(self.predictor.device)
            try:
                sample = self.vessel_scale.fitted(item.sample)
            except Exception as error:
                budget.give_back(item.pixels)
                on_done(failed(item.source, error))
                continue
            seconds = cost.seconds()
            self.rates.add(NETWORK, seconds, 0)
            yield replace(item, sample=sample, seconds=item.seconds + seconds)

    def _batches(self, items: Iterator[_Read | None]) -> Iterator[list[_Read]]:
        batch: list[_Read] = []
        for item in items:
            if item is not None and item.sample is None:
                continue
            if batch and (item is None or len(batch) == self.batch_size or not _equal_size(batch[0], item)):
                yield batch
                batch = []
            if item is not None:
                batch.append(item)
        if batch:
            yield batch

    def _predict(
        self,
        batch: list[_Read],
        unwritten: deque[_Predicted],
        writing: ThreadPoolExecutor,
        budget: PixelBudget,
        on_done: Callable[[Record], None],
    ) -> None:
        cost = Cost(self.predictor.device)
        samples = [item.sample for item in batch if item.sample is not None]
        try:
            found = self.predictor.maps(
                [sample.working for sample in samples],
                [sample.field_of_view for sample in samples],
                UNCERTAINTY in self.outputs.kinds,
            )
        except Exception as error:
            for item in batch:
                budget.give_back(item.pixels)
                on_done(failed(item.source, error))
            return
        seconds = cost.seconds() / len(batch)
        self.rates.add(NETWORK, cost.seconds(), len(batch))
        for item, maps in zip(batch, found, strict=True):
            unwritten.append(_Predicted(item, maps, item.seconds + seconds))
            writing.submit(self._write, unwritten, budget, on_done)

    def _write(self, unwritten: deque[_Predicted], budget: PixelBudget, on_done: Callable[[Record], None]) -> None:
        """Write the next image; where more wait than there are threads, several, whose claims the disk gets at once."""
        group: list[_Drawn] = []
        for _ in range(min(1 + len(unwritten) // self.write_threads, MOST_AT_ONCE)):
            try:
                predicted = unwritten.popleft()
            except IndexError:  # other threads have taken them
                break
            try:
                group.append(self._draw(predicted))
            except Exception as error:
                self._end(predicted.item, failed(predicted.item.source, error), budget, on_done)
        if not group:
            return
        cost = Cost()
        try:
            errors: Sequence[Exception | None] = self.outputs.write([(one.source, one.files) for one in group])
        except Exception as error:
            errors = [error] * len(group)
        errors = [wrong or self._keep_measures(one) for one, wrong in zip(group, errors, strict=True)]
        for one, wrong in zip(group, errors, strict=True):
            seconds = one.seconds + cost.seconds() / len(group)
            self.rates.add(WRITING, seconds)
            record = one.record if wrong is None else failed(one.source, wrong)
            in_all = {"seconds": round(one.predicted.seconds + seconds, 3)}
            self._end(one.predicted.item, Record(**(vars(record) | in_all)), budget, on_done)

    def _draw(self, predicted: _Predicted) -> _Drawn:
        cost, sample = Cost(), predicted.item.sample
        assert sample is not None
        maps = predicted.maps
        mask = self.rule.mask(maps.probability, sample.field_of_view, sample.fov_diameter)
        warnings = [*sample.warnings, *map_warnings(maps.probability, mask, sample.field_of_view)]
        record = _record(sample, mask, self.rule.least_probability, warnings)
        measures = None if self.measures is None else measured(sample, mask)
        return _Drawn(predicted, record, measures, self.outputs.drawn(sample, maps, mask), cost.seconds())

    def _keep_measures(self, one: _Drawn) -> InputError | None:
        try:
            if self.measures is not None and one.measures is not None:
                self.measures.add(one.measures)
        except OSError as error:
            return InputError(f"its measures cannot be written: {error.strerror or error}")
        return None

    @staticmethod
    def _end(item: _Read, record: Record, budget: PixelBudget, on_done: Callable[[Record], None]) -> None:
        budget.give_back(item.pixels)
        on_done(record)


def _pixels_of(source: Source) -> int:
    return pixel_count(source.path) if source.problem is None else 0


def failed(source: Source, error: Exception) -> Record:
    """The row of an image that could not be predicted."""
    if isinstance(error, InputError):
        message = printable(error.one_line)
    elif isinstance(error, MemoryError | torch.OutOfMemoryError):
        message = "there is not enough memory: set a smaller tile, or tta=none"
    else:
        message = printable(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return Record(str(source.path), ERROR, message=message)


def _equal_size(one: _Read, other: _Read) -> bool:
    assert one.sample is not None
    assert other.sample is not None
    return one.sample.working.image.shape == other.sample.working.image.shape


def _record(sample: NewImage, mask: np.ndarray, threshold: float, warnings: Sequence[str]) -> Record:
    fraction = float(mask.sum() / sample.field_of_view.sum())
    height, width = sample.field_of_view.shape
    length = _vessel_length(mask, sample.scale)
    return Record(
        str(sample.source.path),
        WARNING if warnings else OK,
        width=width,
        height=height,
        field_of_view="whole frame" if sample.field_of_view.all() else "found",
        fov_diameter=round(sample.fov_diameter, 1),
        scale=round(sample.scale, 5),
        vessel_fraction=round(fraction, 5),
        vessel_length_px=round(length, 1),
        vessel_length_per_fov_diameter=round(length / sample.fov_diameter, 3),
        threshold=round(threshold, 5),
        message="; ".join(warnings) or None,
    )


def _vessel_length(mask: np.ndarray, scale: float) -> float:
    """In original pixels; measured at working resolution where that is smaller, since thinning is slow."""
    if scale < 1:
        size = max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale))
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
        return skeleton_length(skeleton_of(small)) / scale
    return skeleton_length(skeleton_of(mask))
