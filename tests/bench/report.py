"""The figures as a page of text: sections with a table, and the goals they are held against."""

from statistics import median

import msgspec

from tests.bench import machine
from tests.bench.load import CONNECTIONS
from tests.bench.rounds import Spread

COLUMN_RULE = "---"
QUIET = 0.15
"""How much of a core others may use."""


class Goal(msgspec.Struct, frozen=True):
    """What must hold: a ratio and its bound."""

    name: str
    found: Spread
    bound: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the median is on the right side."""
        return self.found.median >= self.bound if self.at_least else self.found.median <= self.bound


class Section(msgspec.Struct, frozen=True):
    """One part of the report: what was done, in whole sentences, and a table, its first row the head."""

    title: str
    text: str
    table: list[list[str]]
    goals: tuple[Goal, ...] = ()


def render(sections: list[Section], command: str, generator: str, foreign: list[float]) -> str:
    """The whole page in Markdown. `foreign`: how much of a core everybody else used, in each run over HTTP."""
    meanwhile = f"{median(foreign):.0%} of a core, at most {max(foreign):.0%}" if foreign else "not measured"
    if foreign and median(foreign) > QUIET:
        meanwhile += "; **that is too much to trust these figures**"
    place = "has one to itself; load generator, message store and everything else share the rest"
    if machine.core_count() == 1:
        place = "shares it with load generator, message store and everything else"
    lines = [
        "# Figures",
        "",
        f"Written by `{command}` at commit {machine.commit()}. Another machine gives other numbers; the **ratios** are what",
        "counts. Each compares two things that were measured in turns, the order turned round after round: the median of",
        "the rounds' ratios, the lowest and the highest in brackets. No test asserts a time.",
        "",
        f"- Machine: {machine.processor()}, {machine.core_count()} core(s). The server under test {place}.",
        "  Servers that are not under test are stopped.",
        f"- Load: {generator}, another process, {CONNECTIONS} connections that are kept. Every answer's status is checked; one",
        "  failure voids the run. Its column says how much of a core it used.",
        f"- Other processes and the kernel's own work meanwhile: {meanwhile}.",
        f"- Versions: {machine.versions()}.",
        "",
    ]
    goals = [goal for section in sections for goal in section.goals]
    if goals:
        lines += ["## Goals", "", *_table(_goal_rows(goals)), ""]
    for section in sections:
        lines += [f"## {section.title}", "", section.text, "", *_table(section.table), ""]
    return "\n".join(lines)


def _goal_rows(goals: list[Goal]) -> list[list[str]]:
    rows = [["figure", "goal", "found", "met"]]
    for goal in goals:
        bound = f"{'≥' if goal.at_least else '≤'} {goal.bound}"
        rows.append([goal.name, bound, goal.found.text(), "yes" if goal.met else "**no**"])
    return rows


def _table(rows: list[list[str]]) -> list[str]:
    head, *others = rows
    return [f"| {' | '.join(row)} |" for row in (head, [COLUMN_RULE] * len(head), *others)]
