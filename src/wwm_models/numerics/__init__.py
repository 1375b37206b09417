"""Arrays in, arrays out: links, Newton steps, intervals and multiplicity, linear programmes, smoothed importance weights. Nothing here knows a survey."""
