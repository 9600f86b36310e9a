"""The figures as a page of text: sections with a table, and the goals they are held against."""

import msgspec

from tests.bench import machine
from tests.bench.rounds import Spread

COLUMN_RULE = "---"


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


def render(sections: list[Section], command: str, foreign_share: float) -> str:
    """The whole page in Markdown. `foreign_share`: how much of a core everybody else used meanwhile."""
    lines = [
        "# Figures",
        "",
        f"Written by `{command}`, commit {machine.commit()}. Figures of another machine or run differ; the **ratios** are",
        "what counts: each is of two things measured in turns within one run, the median of all rounds, with the lowest and",
        "the highest in brackets. Nothing here is asserted in a test.",
        "",
        f"Machine: {machine.processor()}, {machine.core_count()} cores. The server under test has one core to itself; load",
        f"generator, message store and everything else share the others. Others used {foreign_share:.0%} of a core meanwhile",
        "(the kernel's own work for the network counts as others').",
        "",
        f"Versions: {machine.versions()}.",
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
