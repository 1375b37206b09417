"""Disclosure control: what is left out of everything a run writes, so that no small group can be computed from the rest.

``published`` (all raw percentages of a question as sums over cells), ``attack`` (how far the rest pins a suppressed one down), ``suppress`` (which are
left out), ``precision`` (which are too imprecise to lean on), ``tables`` (leaving out, and marking what a model says in their place) and ``differencing`` (two
runs against each other). Reading data and fitting are elsewhere; nothing here changes an estimate.
"""
