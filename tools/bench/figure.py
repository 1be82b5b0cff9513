"""What the benchmark says: figures against targets and baselines, as a table and as JSON.

Format of `build/bench.json`: a list of {no, figure, unit, ours, baseline, baseline_name, ratio, target, met}; `baseline`, `baseline_name`
and `ratio` (ours / baseline) are null where nothing is measured beside ours, `met` is null where nothing was promised.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `spread` is its least and greatest run, or empty."""

    no: str
    figure: str
    unit: str
    ours: float
    target: str
    met: bool | None
    baseline: float | None = None
    baseline_name: str | None = None
    spread: tuple[float, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Ours over the baseline."""
        return None if not self.baseline else round(self.ours / self.baseline, 3)

    def entry(self) -> dict[str, object]:
        """The entry of bench.json."""
        whole = asdict(self)
        del whole["spread"]
        return {**whole, "ours": round(self.ours, 3), "ratio": self.ratio}


def median_of(
    no: str,
    figure: str,
    unit: str,
    runs: Sequence[float],
    target: str,
    limit: float | None,
    baseline: Sequence[float] = (),
    baseline_name: str | None = None,
) -> Figure:
    """The median of some runs, against a limit that it must not be over (None: nothing is promised)."""
    ours = statistics.median(runs)
    return Figure(
        no,
        figure,
        unit,
        ours,
        target,
        None if limit is None else ours <= limit,
        statistics.median(baseline) if baseline else None,
        baseline_name,
        (min(runs), max(runs)),
    )


def percentile(runs: Sequence[float], part: float) -> float:
    """The least run that is not under this part of all of them."""
    return sorted(runs)[min(len(runs) - 1, int(len(runs) * part))]


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| no. | figure | ours | least to greatest | baseline | ratio | target | met |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in figures:
        spread = f"{_said(one.spread[0])} to {_said(one.spread[1])}" if one.spread else ""
        baseline = f"{_said(one.baseline)} ({one.baseline_name})" if one.baseline is not None else ""
        ratio = f"{one.ratio:.2f}" if one.ratio is not None else ""
        met = {True: "yes", False: "**no**", None: ""}[one.met]
        cells = (one.no, one.figure, f"{_said(one.ours)} {one.unit}", spread, baseline, ratio, one.target, met)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _said(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
