"""Read a parquet file through Spark on this machine and print the survey: spark_read.py FILE CODEBOOK."""

from __future__ import annotations

import json
import sys

import wwm_models as wwm

if __name__ == "__main__":
    survey = wwm.read_survey(f"spark://local?spark.ui.enabled=false#{sys.argv[1]}", sys.argv[2])
    missing = {name: reasons.tolist() for name, reasons in survey.missing.items()}
    frame = json.loads(survey.frame.to_json(orient="columns"))
    print(json.dumps({"frame": frame, "missing": missing, "weights": survey.weights.tolist()}))
