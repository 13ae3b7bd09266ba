"""Turns the entries of ``configurations:`` into configurations, each with its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from osca_cli.model import Json
from osca_cli.registry import did_you_mean
from osca_cli.spec.backends import Backends
from osca_cli.spec.files import Files
from osca_cli.spec.grid import PARAMETERS, Combination, expand
from osca_cli.spec.templates import InlinePrompts
from osca_cli.spec.types import BackendSettings, Configuration
from osca_cli.spec.yaml12 import KeyPath

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(slots=True)
class ConfigurationReader:
    """Reads configurations one entry after the other.

    Attributes:
        tasks: Names of the tasks that have problems to sample: what a configuration applies to by default.
        found: The configurations so far, by name.
        complete: Whether all of them could be read.
    """

    files: Files
    backends: Backends
    prompts: InlinePrompts
    tasks: Sequence[str]
    found: dict[str, Configuration] = field(default_factory=dict)
    complete: bool = True

    def read(self, entry: Mapping[str, Json], path: KeyPath) -> None:
        """Read one entry: a single configuration, or a grid of them."""
        tasks = self._tasks(entry, path)
        combinations = expand(entry, path, self.files.faults)
        self.complete &= bool(combinations)
        for combination in combinations:
            configuration = self._configuration(combination, tasks, path)
            if configuration is None:
                self.complete = False
            else:
                self._keep(configuration, combination, path)

    def _keep(self, configuration: Configuration, combination: Combination, path: KeyPath) -> None:
        name = configuration.name
        other = self.found.setdefault(name, configuration)
        if other is configuration:
            return
        message = f"'{name}' is the name of a configuration in line {other.place.line} too; give one another"
        if other.place == configuration.place:
            message = f"two combinations are named '{name}'; remove a repeated value, or put its key in name:"
        self.files.faults.add((*path, "name") if "name" in combination.values else path, message)

    def _configuration(
        self, combination: Combination, tasks: tuple[str, ...], path: KeyPath
    ) -> Configuration | None:
        values = cast("Mapping[str, Any]", combination.values)
        model = self._model(combination, path)
        needed = model is None or not self.backends.reads_problem(model[0])
        prompt = self._prompt(combination, path, needed=needed)
        if model is None or (prompt is None and (needed or "prompt" in values)):
            return None
        backend, model_name = model
        name = self._name(combination, prompt, path)
        if name is None:
            return None
        asked = (*PARAMETERS, "logprobs")
        given = {key: combination.paths[key,] for key in asked if key in values}
        self.backends.check_parameters(backend, given, name)
        return Configuration(
            name=name,
            backend=backend.name,
            model=model_name,
            prompt=prompt,
            parameters={key: _parameter(key, value) for key, value in values.items() if key in PARAMETERS},
            extra=values.get("extra", {}),
            variables=values.get("vars", {}),
            system=values.get("system"),
            tasks=tasks,
            max_samples=values.get("max_samples"),
            deterministic=values.get("deterministic"),
            revision=values.get("revision"),
            place=self.files.faults.document.key(path),
            logprobs=values.get("logprobs"),
        )

    def _tasks(self, entry: Mapping[str, Json], path: KeyPath) -> tuple[str, ...]:
        if "tasks" not in entry:
            return tuple(self.tasks)
        names = cast("Sequence[str]", entry["tasks"])
        for index, name in enumerate(names):
            if name not in self.tasks:
                self.complete = False
                known = f"{did_you_mean(name, self.tasks) or '; there are: ' + ', '.join(self.tasks)}"
                self.files.faults.add(
                    (*path, "tasks", index), f"no task with problems is named '{name}'{known}"
                )
        return tuple(dict.fromkeys(names))

    def _model(self, combination: Combination, path: KeyPath) -> tuple[BackendSettings, str] | None:
        at = combination.paths.get(("model",))
        if at is None:
            self.files.faults.add(path, "has no model; write model: BACKEND/MODEL")
            return None
        text = str(combination.values["model"])
        name, slash, model = text.partition("/")
        if not slash or not name or not model:
            self.files.faults.add(
                at, f"'{text}' is not BACKEND/MODEL, as in llama_cpp/smollm2-135m-instruct; write both"
            )
            return None
        backend = self.backends.resolve(name, at)
        # A model in a file or folder is a path like any other, and may hold variables.
        is_path = model.lower().endswith(".gguf") or model.startswith((".", "/", "~", "${"))
        expanded = self.files.expand(model, at) if is_path else model
        return None if backend is None or expanded is None else (backend, expanded)

    def _prompt(self, combination: Combination, path: KeyPath, *, needed: bool) -> str | None:
        at = combination.paths.get(("prompt",))
        if at is None:
            if needed:
                self.files.faults.add(path, "has no prompt; write prompt: NAME, or a template in place")
            return None
        return self.prompts.name_of(combination.values["prompt"], at)

    def _name(self, combination: Combination, prompt: str | None, path: KeyPath) -> str | None:
        words = _words(combination, prompt)
        at = (*path, "name") if "name" in combination.values else path
        if "name" in combination.values:
            written = str(combination.values["name"])
            for placeholder in _PLACEHOLDER.findall(written):
                if placeholder not in words:
                    hint = did_you_mean(placeholder, words) or f"; there are: {', '.join(words)}"
                    self.files.faults.add(at, f"the entry has no '{placeholder}'{hint}")
                    return None
            name = _PLACEHOLDER.sub(lambda match: words[match[1]], written)
        else:
            swept = [_word(key, prompt if key == ("prompt",) else value) for key, value in combination.swept]
            name = "/".join(swept or [words[key] for key in ("model", "prompt") if key in words])
        if _CONTROL.search(name):
            self.files.faults.add(at, "the name has a line break or control character; write another name:")
            return None
        return name


def _words(combination: Combination, prompt: str | None) -> dict[str, str]:
    """Return what stands for each placeholder of a name; a parameter goes before a variable of its name."""
    values = cast("Mapping[str, Any]", combination.values)
    words = {key: _word((key,), values[key]) for key in ("model", *PARAMETERS, "system") if key in values}
    named = {**values.get("extra", {}), **values.get("vars", {})}
    own = {} if prompt is None else {"prompt": prompt}
    return {name: _word(("vars", name), value) for name, value in named.items()} | words | own


def _word(key: KeyPath, value: Json) -> str:
    """Return a value as names have it: a model by its last path segment, a number as YAML would write it."""
    if key == ("model",):
        return str(value).rsplit("/", 1)[-1]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parameter(key: str, value: Json) -> Json:
    """Return a parameter with one spelling for one meaning: ``stop`` is a list."""
    return [value] if key == "stop" and isinstance(value, str) else value
