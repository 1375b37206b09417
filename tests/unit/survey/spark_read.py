"""Read and count a parquet file through Spark on this machine and print both: spark_read.py FILE CODEBOOK VARIABLE ..."""

from __future__ import annotations

import json
import sys

import wwm_models as wwm

if __name__ == "__main__":
    file, codebook, *variables = sys.argv[1:]
    address = f"spark://local?spark.ui.enabled=false&spark.sql.shuffle.partitions=2#{file}"
    survey = wwm.read_survey(address, codebook)
    counted = wwm.read_counts(address, codebook, variables)
    found = {
        name: {
            "frame": json.loads(one.frame.to_json(orient="columns")),
            "missing": {name: reasons.tolist() for name, reasons in one.missing.items()},
            "weights": one.weights.tolist(),
            "counts": one.counts.tolist(),
            "accounting": one.accounting["rows"].tolist(),
        }
        for name, one in (("read", survey), ("counted", counted))
    }
    print(json.dumps(found))
