"""A model's result to plain JSON and arrays and back, for checkpoints: all but its fits, which are made again where they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wwm_models.estimates.contrasts import compared
from wwm_models.estimates.estimates import Estimates, Pairs
from wwm_models.likelihood.degrees_of_freedom import Freedom
from wwm_models.messages import note, noted
from wwm_models.models.cells import Influence
from wwm_models.results.folder import Stored
from wwm_models.study.fits import ModelResult
from wwm_models.survey.survey import Survey


def stored_form(result: ModelResult) -> Stored:
    """Split a result into JSON-able facts and arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    content: dict[str, Any] = {
        "name": result.name,
        "excluded": result.excluded,
        "problems": list(result.problems),
        "coefficients": _frame_facts(result.coefficients),
        "diagnostics": _frame_facts(result.diagnostics),
        "origins": list(result.log_priors),
        "messages": dict(noted()),
    }
    arrays |= {f"log_prior{number}": values for number, values in enumerate(result.log_priors.values())}
    content["estimates"] = [
        _estimates_facts(f"estimates{number}", label, found, arrays)
        for number, (label, found) in enumerate(result.estimates)
    ]
    places = {id(found): number for number, (_, found) in enumerate(result.estimates)}
    content["contrasts"] = [
        _contrasts_facts(f"contrasts{number}", label, found, arrays, places)
        for number, (label, found) in enumerate(result.contrasts)
    ]
    return content, arrays


def result_from(stored: Stored, survey: Survey) -> ModelResult:
    """Put a result together again; the sampling design comes from the survey."""
    content, arrays = stored
    note(content["messages"])
    estimates = tuple((facts["label"], _estimates(facts, arrays, survey)) for facts in content["estimates"])
    return ModelResult(
        name=content["name"],
        estimates=estimates,
        contrasts=tuple(
            (facts["label"], _contrasts(facts, arrays, survey, estimates)) for facts in content["contrasts"]
        ),
        coefficients=_frame(content["coefficients"]),
        diagnostics=_frame(content["diagnostics"]),
        excluded=content["excluded"],
        problems=tuple(content["problems"]),
        log_priors={origin: arrays[f"log_prior{number}"] for number, origin in enumerate(content["origins"])},
    )


def _frame_facts(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): table[name].tolist() for name in table.columns}


def _frame(facts: dict[str, list[Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series(values, dtype=object if _is_text(values) else None) for name, values in facts.items()}
    )


def _is_text(values: list[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def _estimates_facts(prefix: str, label: str, found: Estimates, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    arrays[f"{prefix}.covariance"] = found.covariance
    arrays |= {f"{prefix}.{name}": value for name, value in _joint_law(found).items()}
    own = found.contributions
    if own is not None:
        arrays |= {
            f"{prefix}.values": own.values,
            f"{prefix}.row_cell": own.row_cell,
            f"{prefix}.row_weight": own.row_weight,
        }
        arrays |= {} if own.members is None else {f"{prefix}.members": own.members}
    arrays[f"{prefix}.degrees"] = found.freedom.df
    alike = own is not None and own.tally is not None and not own.tally.within_group_weight_variance.any()
    calibrated = own is not None and own.design is not None and bool(own.design.calibrations)
    return {
        "prefix": prefix, "label": label, "by": list(found.by), "df": found.df, "origin": found.origin, "table": _frame_facts(found.table),
        "contributions": own is not None, "calibrated": calibrated, "design": own is not None and own.design is not None,
        "alike": alike, "reasons": found.reasons.tolist(), "replicate_set": found.replicate_set,
    }  # fmt: skip


def _contrasts_facts(
    prefix: str, label: str, found: Estimates, arrays: dict[str, NDArray[Any]], places: Mapping[int, int]
) -> dict[str, Any]:
    """Which estimates of the result are compared, and how; all of them where they are not made of these."""
    pairs = found.pairs
    if pairs is None or id(pairs.source) not in places:
        return _estimates_facts(prefix, label, found, arrays)
    arrays |= {f"{prefix}.first": pairs.first, f"{prefix}.second": pairs.second}
    return {
        "prefix": prefix, "label": label, "source": places[id(pairs.source)], "variable": pairs.variable, "kind": pairs.kind,
        "level": pairs.level, "simultaneous": pairs.simultaneous,
    }  # fmt: skip


def _contrasts(
    facts: dict[str, Any], arrays: dict[str, NDArray[Any]], survey: Survey, estimates: Sequence[tuple[str, Estimates]]
) -> Estimates:
    if "source" not in facts:
        return _estimates(facts, arrays, survey)
    first, second = (arrays[f"{facts['prefix']}.{name}"].astype(np.intp) for name in ("first", "second"))
    source = estimates[facts["source"]][1]
    return compared(
        Pairs(source, facts["variable"], facts["kind"], first, second, facts["level"], facts["simultaneous"])
    )


def _estimates(facts: dict[str, Any], arrays: dict[str, NDArray[Any]], survey: Survey) -> Estimates:
    prefix = facts["prefix"]
    contributions = None
    if facts["contributions"]:
        once = facts["alike"] or (survey.design is not None and survey.design.calibrations and not facts["calibrated"])
        survey = survey.unweighted() if once else survey
        members = arrays.get(f"{prefix}.members")
        contributions = Influence(
            arrays[f"{prefix}.values"], arrays[f"{prefix}.row_cell"].astype(np.intp), arrays[f"{prefix}.row_weight"],
            survey.design if facts["design"] else None, survey.tally,
            members=None if members is None else members.astype(bool), source=survey.identity,
        )  # fmt: skip
    free = Freedom(arrays[f"{prefix}.degrees"], np.array([*facts["reasons"], None], dtype=object)[:-1])
    made = survey.replicates
    return Estimates(
        _frame(facts["table"]), tuple(facts["by"]), arrays[f"{prefix}.covariance"], contributions,
        arrays.get(f"{prefix}.draws"), facts["df"], arrays.get(f"{prefix}.replicated"), facts["origin"], free,
        made.identity if made is not None and facts["replicate_set"] else facts["replicate_set"],
    )  # fmt: skip


def _joint_law(found: Estimates) -> dict[str, NDArray[Any]]:
    """Draws and replicates, where there are any."""
    return {
        name: value for name, value in (("draws", found.draws), ("replicated", found.replicated)) if value is not None
    }
