"""A spec, loaded: what the YAML means, with names resolved and grids expanded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias, cast

from osca_cli.model import Json, Problem


@dataclass(frozen=True, slots=True)
class Place:
    """A line and column of the spec, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """Jinja2 sources of a chat prompt, as (role, source) pairs."""

    messages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CompletionTemplate:
    """The Jinja2 source of a prompt that is continued as plain text."""

    source: str


Template: TypeAlias = ChatTemplate | CompletionTemplate


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """An entry of ``backends:``, or the default of its type's name."""

    name: str
    type: str
    provider: str
    settings: Mapping[str, Json]
    place: Place | None

    @property
    def batch(self) -> bool:
        """Whether samples are drawn by the server's batch API, where nothing waits for a single one."""
        return self.settings.get("batch") is True

    @property
    def gpus(self) -> float | None:
        """How many GPUs it keeps busy; ``None`` where nobody said."""
        gpus = self.settings.get("gpus")
        if isinstance(gpus, int | float):
            return float(gpus)
        if self.type != "vllm":
            return None
        engine = cast("Mapping[str, int]", self.settings.get("engine", {}))
        return float(engine.get("tensor_parallel_size", 1) * engine.get("pipeline_parallel_size", 1))


@dataclass(frozen=True, slots=True)
class VerifierSettings:
    """A verifier's type and its settings.

    Attributes:
        time_limit_s: How long one verdict may take; ``None`` for the run's own limit. No part of a verdict's
            identity, since it decides none.
    """

    type: str
    settings: Mapping[str, Json]
    place: Place
    time_limit_s: float | None = None


@dataclass(frozen=True, slots=True)
class FirstAccepted:
    """Production answers with the first sample that a verifier accepts, which may be wrong about it.

    Attributes:
        by: What the spec calls it: its name, or its type where it stands in place.
        verifier: It never reads the reference.
        judge: The configuration of the model that grades, where it is a judge.
    """

    by: str
    verifier: VerifierSettings
    judge: Configuration | None = None


@dataclass(frozen=True, slots=True)
class ProblemFields:
    """Which fields of a problem file mean what.

    Attributes:
        id: The field that identifies a problem within its task.
        reference: The field that verifiers compare with.
        tags: The fields that groups and strata are made of.
    """

    id: str = "id"
    reference: str = "answer"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A family of problems with a common prompt set and verifier.

    Attributes:
        train: Problems that a plan may learn from.
        held_out: Problems that never choose an allocation.
        group: Field that problems are held out by; ``None`` where each problem is its own group.
        fields: How a problem file of this task is read, production files included.
        prompts: Every prompt as this task has it, by name.
        outcomes: An outcomes file that stands for problems and configurations, else ``None``.
        share: Share of that file's groups to hold out anew; 0 where the split is the file's own.
        volume: Problems expected in production; only ratios between tasks count. ``None`` where not said.
        strata: Field whose values may have plans of their own; ``None`` where all have one plan.
        volumes: Problems expected of each value of it, as text; ``*`` stands for all others.
        weight: What solving one of its problems counts for beside those of other tasks.
        budget: Its own, for which it is planned alone; ``None`` where it has the spec's.
        judge: The configuration of the model that grades its samples; ``None`` where none does.
        select: What accepts in production; ``None`` where the verifier itself does.
    """

    name: str
    train: tuple[Problem, ...]
    held_out: tuple[Problem, ...]
    group: str | None
    fields: ProblemFields
    prompts: Mapping[str, Template]
    verifier: VerifierSettings | None
    outcomes: Path | None
    place: Place
    volume: float | None = None
    weight: float = 1.0
    budget: Budget | None = None
    strata: str | None = None
    volumes: Mapping[str, float] = field(default_factory=dict)
    judge: Configuration | None = None
    select: FirstAccepted | None = None

    def in_production(self) -> Task:
        """Return the task as production has it: what accepts stands for the verifier."""
        if self.select is None:
            return self
        return replace(self, verifier=self.select.verifier, judge=self.select.judge, select=None)

    share: float = 0.0

    def template(self, prompt: str | None) -> Template:
        """Return the prompt of this name, as this task has it."""
        return NO_PROMPT if prompt is None else self.prompts[prompt]


NO_PROMPT = ChatTemplate(())
"""The template of a configuration without a prompt: a chat without a message."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that fixes the distribution of one sample.

    Attributes:
        prompt: Name of its prompt, to be looked up in the task; ``None`` for a program that needs none.
        parameters: Sampling parameters as the spec writes them.
        system: Text that becomes the system message of its prompt, or heads the one that is there.
        tasks: Names of the tasks that it applies to.
        max_samples: No plan draws more of it for one problem.
        deterministic: As the spec says; ``None`` leaves it to the backend.
        logprobs: How many alternatives are kept with each token; ``None`` asks for no log-probabilities.
    """

    name: str
    backend: str
    model: str
    prompt: str | None
    parameters: Mapping[str, Json]
    extra: Mapping[str, Json]
    variables: Mapping[str, Json]
    system: str | None
    tasks: tuple[str, ...]
    max_samples: int | None
    deterministic: bool | None
    revision: str | None
    place: Place
    logprobs: int | None = None


BudgetKind: TypeAlias = Literal["samples", "usd", "output_tokens", "seconds", "gpu_seconds"]
Share: TypeAlias = Literal["none", "tasks", "problems"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent per problem, in one kind.

    Attributes:
        kind: What it is counted in.
        amount: For each problem; the mean over the expected problems of all tasks where they share it.
        share: ``tasks`` if tasks share it, so that one may have more than another; ``problems`` if those of a
            run do too, so that what solved problems leave goes to the others.
    """

    kind: BudgetKind
    amount: float
    share: Share = "none"

    def __str__(self) -> str:
        return f"{self.amount:g} {self.kind}"


@dataclass(frozen=True, slots=True)
class Assertion:
    """One line of ``check: assert:``, judged on an interval of held-out problems.

    Attributes:
        metric: What is judged.
        task: Of which task; ``None`` for each of them, or for their total.
        margin: How much worse than the bound still counts.
        place: Where it is written; ``None`` for the default.
        confidence: Of the interval.
        total: Whether it is about the total of all tasks.
    """

    metric: str
    task: str | None
    at_least: float | None
    at_most: float | None
    margin: float
    place: Place | None
    confidence: float = 0.95
    total: bool = False


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What ``osca check`` compares and asserts.

    Attributes:
        baselines: ``best_pure``, ``uniform``, ``paper``, or names of configurations.
        cluster: Field whose values tell which problems are alike; ``None`` where a task's ``held_out: by``
            says so, or nothing does.
    """

    baselines: tuple[str, ...] = ("best_pure", "uniform")
    assertions: tuple[Assertion, ...] = (Assertion("gain.over_best_pure", None, 0.0, None, 0.0, None),)
    inconclusive: Literal["warn", "fail"] = "warn"
    cluster: str | None = None


def _shown(value: Json) -> str:
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One entry of ``allocation: plans:``: how often each configuration is drawn, and in which order.

    Attributes:
        where: The value, or list of values, that each of these fields has in its problems; empty for all.
        beyond: How the order goes on after the schedule, where the problems of a run share the budget.
        rounds: How many samples of the schedule are drawn together, round by round; empty for one at a time.
        gives_up_after: Samples after which a problem is left unsolved; ``None`` where that is not said.
    """

    task: str
    counts: Mapping[str, int]
    schedule: tuple[str, ...]
    block: Mapping[str, Json]
    place: Place
    where: Mapping[str, Json] = field(default_factory=dict)
    beyond: tuple[str, ...] = ()
    rounds: tuple[int, ...] = ()
    gives_up_after: int | None = None

    @property
    def label(self) -> str:
        """What it is called: the task, and the values of its ``where``."""
        return ", ".join([self.task, *(f"{name} = {_shown(value)}" for name, value in self.where.items())])


@dataclass(frozen=True, slots=True)
class AllocationBlock:
    """The ``allocation:`` block of a plan file; ``block`` is its YAML, whole."""

    plans: tuple[PlannedTask, ...]
    block: Mapping[str, Json]
    place: Place

    def plans_of(self, task: str) -> list[PlannedTask]:
        """Return the plans of a task: of its problems each takes the first that applies, see ``where``."""
        return [plan for plan in self.plans if plan.task == task]


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole spec file.

    Attributes:
        path: The file.
        text: The file's text, unchanged: a plan is this text with its allocation.
        data: The parsed document, for hashing and for messages.
        pilot_samples: Samples per configuration and training problem.
        seed: What the seeds of draws are derived from, with each sample's identity.
        pilot_screen: After so many samples of every configuration, only the promising third goes on to
            ``pilot_samples``; ``None`` where all go on.
        limit_usd: All that the spec may ever cost, as counted in the pool.
        rounds: Into how many rounds a plan cuts its schedule at most; ``None`` where it draws one at a time.
        give_up: What one more solved problem may cost, in the budget's kind; ``None`` where it may cost all.
    """

    path: Path
    text: str
    data: Mapping[str, Json]
    name: str
    tasks: tuple[Task, ...]
    configurations: tuple[Configuration, ...]
    backends: Mapping[str, BackendSettings]
    pilot_samples: int
    budget: Budget | None
    seed: int
    check: CheckSettings = field(default_factory=CheckSettings)
    allocation: AllocationBlock | None = None
    limit_usd: float | None = None
    pilot_screen: int | None = None
    rounds: int | None = None
    give_up: float | None = None

    @property
    def folder(self) -> Path:
        """The folder that paths in the spec are relative to."""
        return self.path.parent

    def task(self, name: str) -> Task:
        """Return the task of this name."""
        return next(task for task in self.tasks if task.name == name)

    def configurations_of(self, task: str) -> Sequence[Configuration]:
        """Return the configurations that apply to a task, in spec order."""
        return [configuration for configuration in self.configurations if task in configuration.tasks]
