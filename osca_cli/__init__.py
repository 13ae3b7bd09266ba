"""Learn from a few samples which model configurations to draw from, and how often.

What a program needs is here, one function for each command; each is imported when it is first used::

    import osca_cli as osca

    spec = osca.load_spec("osca.yaml")
    with osca.Pool("osca.db") as pool:
        osca.run_pilot(spec, pool)
        plan = osca.make_plan(spec, pool, "8")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osca_cli.api.checking import check_plan
    from osca_cli.api.exporting import export_counts, export_recording, export_samples, outcomes_of
    from osca_cli.api.importing import import_samples
    from osca_cli.api.planning import make_plan, plan_text, write_plan
    from osca_cli.api.reporting import make_report
    from osca_cli.api.running import execute, measure, overview, run_pilot
    from osca_cli.api.specs import load_spec, read_problems
    from osca_cli.check.drift_of import drift_of
    from osca_cli.errors import OscaError
    from osca_cli.store.pool import Pool

__version__ = "0.1.0"

__all__ = [
    "OscaError",
    "Pool",
    "check_plan",
    "drift_of",
    "execute",
    "export_counts",
    "export_recording",
    "export_samples",
    "import_samples",
    "load_spec",
    "make_plan",
    "make_report",
    "measure",
    "outcomes_of",
    "overview",
    "plan_text",
    "read_problems",
    "run_pilot",
    "write_plan",
]

_MODULES = {
    "osca_cli.api.checking": ("check_plan",),
    "osca_cli.check.drift_of": ("drift_of",),
    "osca_cli.api.exporting": ("export_counts", "export_recording", "export_samples", "outcomes_of"),
    "osca_cli.api.importing": ("import_samples",),
    "osca_cli.api.planning": ("make_plan", "plan_text", "write_plan"),
    "osca_cli.api.reporting": ("make_report",),
    "osca_cli.api.running": ("execute", "measure", "overview", "run_pilot"),
    "osca_cli.api.specs": ("load_spec", "read_problems"),
    "osca_cli.errors": ("OscaError",),
    "osca_cli.store.pool": ("Pool",),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for now, so that ``osca --help`` does not wait for it."""
    for module, names in _MODULES.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'osca_cli' has no attribute '{name}'")
