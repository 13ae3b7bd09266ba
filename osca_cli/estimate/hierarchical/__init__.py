"""A model of pass rates that shares strength: between problems, and between configurations.

Few samples of a cell say little; all cells of a problem say how hard it is, and all cells of a configuration
how good it is. The parts, each a module:

- ``cells``: outcomes grouped into kinds of equal counts;
- ``likelihood``: how probable counts are on a problem of given ease, with an insurance against trusting that;
- ``fit``: the parameters, by expectation maximisation;
- ``posterior``: how probably k samples all fail, on problems seen and on new ones;
- ``estimate``: the rows that a solver sees;
- ``pass_rates``: mean rates on new problems, with intervals.

Nothing is random: equal outcomes give equal estimates, whatever the order of problems and configurations.
"""

from osca_cli.estimate.hierarchical.estimate import FRESH, FRESH_BY_COST, Model, Posterior, hierarchical
from osca_cli.estimate.hierarchical.pass_rates import pass_rates

__all__ = ["FRESH", "FRESH_BY_COST", "Model", "Posterior", "hierarchical", "pass_rates"]
