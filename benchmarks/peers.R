# Median seconds of the peers' own fitting on the rows of the csv named first; seconds per line as name,value.
file <- commandArgs(TRUE)[1]; repeats <- as.integer(commandArgs(TRUE)[2])
d <- read.csv(file, stringsAsFactors = TRUE); d$y <- factor(d$y, ordered = TRUE)
form <- y ~ age_group + household + gender + education + employment + sector
clock <- function(f) { f(); median(replicate(repeats, system.time(f(), gcFirst = FALSE)[["elapsed"]])) }
if (requireNamespace("MASS", quietly = TRUE))
  cat("MASS::polr,", clock(function() MASS::polr(form, data = d, Hess = TRUE)), "\n", sep = "")
if (requireNamespace("ordinal", quietly = TRUE))
  cat("ordinal::clm,", clock(function() ordinal::clm(form, data = d)), "\n", sep = "")
