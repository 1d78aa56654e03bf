"""What an Optuna sweep searches, from what was typed in Hydra's grammar; optuna itself is an extra."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial


class SearchSpace(NamedTuple):
    """Distributions by key; and the overrides that are the same for all trials."""

    searched: dict[str, "BaseDistribution"]
    fixed: dict[str, str]

    @classmethod
    def of(cls, overrides: Sequence[str], config_loader: Any) -> "SearchSpace":
        """Of what was typed: `a,b`, `choice()`, `range()`, `glob()`, and `interval()`, also with `tag(log, ...)`.

        Of a key that is given twice the last counts.
        """
        searched: dict[str, BaseDistribution] = {}
        fixed: dict[str, str] = {}
        for override in OverridesParser.create(config_loader=config_loader).parse_overrides(list(overrides)):
            key = override.get_key_element()
            searched.pop(key, None)
            fixed.pop(key, None)
            if override.is_sweep_override():
                searched[key] = _distribution(override)
            else:
                fixed[key] = f"{key}={override.get_value_element_as_str()}"
        return cls(searched, fixed)

    def overrides_for(self, trial: "Trial") -> list[str]:
        """What a trial is trained with, chosen by the study's sampler."""
        chosen = [f"{key}={_suggested(trial, key, distribution)}" for key, distribution in self.searched.items()]
        return [*self.fixed.values(), *chosen]

    def described(self) -> dict[str, str]:
        """In words, to know it again: without where data and runs are."""
        texts = {key: str(value) for key, value in self.searched.items()} | self.fixed
        return {key: text for key, text in sorted(texts.items()) if not key.startswith("paths.")}


def _distribution(override: Override) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    if isinstance(value, IntervalSweep):
        low, high, log = value.start, value.end, "log" in value.tags
        if isinstance(low, int) and isinstance(high, int):
            return IntDistribution(low, high, log=log)
        return FloatDistribution(float(low or 0), float(high or 0), log=log)
    return CategoricalDistribution(list(override.sweep_string_iterator()))


def _suggested(trial: "Trial", key: str, distribution: "BaseDistribution") -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(key, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(key, distribution.low, distribution.high, log=distribution.log)
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(key, distribution.low, distribution.high, log=distribution.log)
