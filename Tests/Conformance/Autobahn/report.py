"""Prints what a pass found: a table by group, every case that is not as wanted, the cases that took longest."""
import collections

import cases

BEHAVIORS = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED"]


def print_table(title, outcomes):
    """Answers how many cases are as wanted and how many are not."""
    names = sorted(outcomes, key=cases.key)
    counts = collections.defaultdict(collections.Counter)
    for name in names:
        group = name.split(".")[0]
        outcome = outcomes[name]
        counts[group][column(outcome.behavior)] += 1
        counts[group]["closed"] += outcome.closing in ("OK", "INFORMATIONAL")
        counts[group]["milliseconds"] += outcome.milliseconds
    print(f"\n{title}")
    heading = "".join(f"{name:>15}" for name in BEHAVIORS + ["closed well"])
    print(f"  {'group':<26}{heading}{'seconds':>9}")
    for group in sorted(counts, key=int):
        print_row(f"{group:>2} {cases.GROUPS[group]}", counts[group])
    total = collections.Counter()
    for count in counts.values():
        total.update(count)
    print_row("all", total)
    bad = [name for name in names if not outcomes[name].is_as_wanted(name)]
    for name in names:
        outcome = outcomes[name]
        if name in bad or outcome.behavior != "OK":
            said = f": {outcome.reason}" if outcome.reason else ""
            print(f"  {name} {outcome.behavior}, closing {outcome.closing}{said}")
    return len(names) - len(bad), len(bad)


def print_row(label, count):
    cells = [count[behavior] for behavior in BEHAVIORS] + [count["closed"]]
    row = "".join(f"{cell or '·':>15}" for cell in cells)
    print(f"  {label:<26}{row}{count['milliseconds'] / 1000:>9.1f}")


def column(behavior):
    """What is none of the others has failed."""
    return behavior if behavior in BEHAVIORS else "FAILED"
