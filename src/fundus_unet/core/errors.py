"""The project's one error for bad input: what was expected, what came, what to do."""

import difflib
from collections.abc import Callable, Iterable, Sequence

from fundus_unet.core.plain_text import printable

MOST_TOLD = 50


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message has one line for the problem and one each for `expected`, `got` and `fix`, where given. Entry points
    print it without a traceback; batch jobs write `one_line` beside the item and go on.
    """

    def __init__(self, problem: str, *, expected: object = None, got: object = None, fix: str | None = None) -> None:
        lines = [problem]
        for title, value in (("expected", expected), ("got", got), ("what to do", fix)):
            if value is not None:
                lines.append(f"  {title}: {value}".replace(": \n", ":\n", 1))
        # what it names may come from a disk or a file, and a terminal obeys control characters
        super().__init__("\n".join(printable(line) for line in "\n".join(lines).split("\n")))
        self.problem, self.expected, self.got, self.fix = problem, expected, got, fix

    @property
    def one_line(self) -> str:
        """The whole message, for tables."""
        return "; ".join(line.strip() for line in str(self).splitlines())


def together(errors: Sequence[InputError], problem: str, told: Callable[[InputError], str]) -> InputError:
    """One error for several of the same kind: the only one as it is, else a line for each, and their advice.

    Args:
        problem: What is wrong with all, after their number.
        told: The line for one.
    """
    if len(errors) == 1:
        return errors[0]
    lines = [told(error) for error in errors[:MOST_TOLD]]
    more = [f"and {len(errors) - MOST_TOLD} more"] if len(errors) > MOST_TOLD else []
    fixes = "; ".join(dict.fromkeys(error.fix for error in errors[:MOST_TOLD] if error.fix))
    return InputError(f"{len(errors)} {problem}", got="\n    ".join(["", *lines, *more]), fix=fixes or None)


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """A sentence that suggests the nearest option, or lists them all where none is near."""
    options = sorted(options)
    of_lower = {option.lower(): option for option in options}
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    near = near or [of_lower[one] for one in difflib.get_close_matches(name.lower(), of_lower, n=1, cutoff=0.6)]
    if near:
        return f"did you mean {near[0]!r}?"
    return f"choose one of: {', '.join(options)}" if options else "there is nothing to choose from here"
