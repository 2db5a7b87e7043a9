"""The tables, in a terminal and in the page docs/reference/performance.md, whose other text is in page.md."""

import os
import pathlib
import platform
import string
import time

from stand import FOLDER


def headings(part):
    return ["", "hub", part.base, f"hub : {part.base}", "from – to", "goal", "met",
            *(f"{peer} : {part.base}" for peer in part.peers)]


def number(value, digits):
    return "–" if value != value else f"{value:,.{digits}f}"


def cells(part, row):
    ratios = row.ratios("hub", part.base)
    failing = row.failing(part.base)
    unit = f" {row.unit}" if row.unit else ""
    return [
        row.name, number(row.median("hub"), row.digits) + unit,
        number(row.median(part.base), row.digits) + (unit if row.sides.get(part.base) else ""),
        number(row.ratio("hub", part.base), 2), f"{min(ratios):.2f} – {max(ratios):.2f}" if len(ratios) > 1 else "",
        row.aim, "" if failing is None else f"no: {failing}" if failing else "yes",
        *(number(row.ratio(peer, part.base), 2) if row.sides.get(part.base) else number(row.median(peer), row.digits)
          for peer in part.peers)]


def text(part):
    """For a terminal."""
    lines = [headings(part), *(cells(part, row) for row in part.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    table = ["  ".join(cell.rjust(width) if column else cell.ljust(width)
                       for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines]
    return "\n".join([part.title, *table, *part.words])


def markdown(part):
    heads = headings(part)
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    lines += ["| " + " | ".join(cells(part, row)) + " |" for row in part.rows]
    return "\n\n".join([f"## {part.title}", *(["\n".join(lines)] if part.rows else []), *part.words])


def summary(parts):
    """How many of the goals are met, and the rows whose are not."""
    verdicts = [(part, row, row.failing(part.base)) for part in parts for row in part.rows]
    aimed = [verdict for verdict in verdicts if verdict[2] is not None]
    missed = [f"- {part.title}; {row.name}: {why}" + (f" (goal {row.aim})" if row.aim else "")
              for part, row, why in aimed if why]
    return "\n".join([f"{len(aimed) - len(missed)} of {len(aimed)} goals are met.", *missed])


def doubt(load, busy):
    line = f"Load average just before the start {load:.1f}; other work kept {busy:.1f} cores busy then."
    return line + (" Read ratios, and those with doubt." if busy > 0.3 else "")


def file_system(folder):
    """The type of the file system that a folder is on: what a COMMIT waits for."""
    mounts = [line.split()[1:3] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    path = str(pathlib.Path(folder).resolve())
    fitting = [(len(place), kind) for place, kind in mounts if place == "/" or f"{path}/".startswith(f"{place}/")]
    return max(fitting, default=(0, "unknown"))[1]


def machine(stand):
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    model = next(
        (line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine())
    version = next((file.read_text().strip() for file in stand.folder.rglob("PG_VERSION")), "")
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; Linux {platform.release()}; PostgreSQL {version} on "
        f"{file_system(stand.folder)}; {time.strftime('%Y-%m-%d', time.gmtime())}")


def page(parts, plan, where, load, pinned):
    values = vars(plan) | {
        "machine": where, "load": load, "summary": summary(parts), "parts": "\n\n".join(map(markdown, parts)),
        "profile": (FOLDER / "profile.md").read_text().strip(), "requirements": versions(),
        "pinning": "" if pinned else " (this machine has but one: all share it)"}
    return string.Template((FOLDER / "page.md").read_text()).substitute(
        {name: str(value) for name, value in values.items()})


def versions():
    lines = (FOLDER / "peers/requirements.txt").read_text().splitlines()
    return ", ".join(line.replace("==", " ") for line in lines if line and not line.startswith("#"))
