"""Figures: of the hub, of what it is compared with, and of other servers, round by round; and how they are taken in turns."""

import dataclasses
import math
import statistics


@dataclasses.dataclass
class Row:
    """One thing measured. `sides` has each server's figures, a round each; ratios are to the part's base."""

    name: str
    unit: str
    digits: int
    sides: dict
    goal: float | None = None  # of the ratio, hub to base
    limit: float | None = None  # of the hub's figure itself
    more_is_better: bool = False
    beats_peers: bool = False

    def median(self, side):
        return statistics.median(self.sides[side]) if self.sides.get(side) else math.nan

    def ratios(self, side, base):
        pairs = zip(self.sides.get(side, ()), self.sides.get(base, ()))
        return [figure / least if least > 0 else math.inf for figure, least in pairs]

    def ratio(self, side, base):
        ratios = self.ratios(side, base)
        return statistics.median(ratios) if ratios else math.nan

    def failing(self, base):
        """Why the goal is not met; empty when it is, None where there is none."""
        if self.goal is None and self.limit is None and not self.beats_peers:
            return None
        faults = []
        if self.limit is not None and not self.median("hub") <= self.limit:
            faults.append(f"{self.median('hub'):.{self.digits}f} {self.unit}")
        if self.goal is not None:
            ratio = self.ratio("hub", base)
            if not (ratio >= self.goal if self.more_is_better else ratio <= self.goal):
                faults.append(f"{ratio:.2f}")
        if self.beats_peers:
            faults += [
                f"{peer} does better" for peer in self.sides
                if peer not in ("hub", base) and self.median(peer) < self.median("hub")]
        return ", ".join(faults)

    @property
    def aim(self):
        if self.limit is not None:
            return f"≤ {self.limit:g} {self.unit}"
        return "" if self.goal is None else f"{'≥' if self.more_is_better else '≤'} {self.goal:g}"


@dataclasses.dataclass
class Part:
    """A table: its rows and what is to be said about them."""

    title: str
    rows: list
    words: list = dataclasses.field(default_factory=list)
    base: str = "floor"

    @property
    def peers(self):
        names = dict.fromkeys(side for row in self.rows for side in row.sides)
        return [name for name in names if name not in ("hub", self.base)]


def turns(rounds, sides):
    """Runs every side once a round, every other round in the opposite order; name to results."""
    results = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides)
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(sides[name]())
    return results


def taken(results, read):
    """Of every result of every side what `read` finds in it."""
    return {name: [read(result) for result in found] for name, found in results.items()}
