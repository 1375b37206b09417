# Processor seconds of one fit by one peer on the rows of a csv: file, repeats, peer. A column "weight" holds counts of equal rows.
arguments <- commandArgs(TRUE)
file <- arguments[1]; repeats <- as.integer(arguments[2]); peer <- arguments[3]
d <- read.csv(file, stringsAsFactors = TRUE); d$y <- factor(d$y, ordered = TRUE)
if (!"weight" %in% names(d)) d$weight <- 1
whole <- all(d$weight == 1)
form <- y ~ age_group + household + gender + education + employment + sector
peers <- list(
  "rms::lrm" = function() if (whole) rms::lrm(form, data = d) else suppressWarnings(rms::lrm(form, data = d, weights = weight)),
  "MASS::polr" = function() MASS::polr(form, data = d, weights = weight, Hess = TRUE),
  "ordinal::clm" = function() ordinal::clm(form, data = d, weights = weight),
  "VGAM::vglm(cumulative)" = function() VGAM::vglm(form, VGAM::cumulative(parallel = TRUE), data = d, weights = weight),
  "nnet::multinom" = function() nnet::multinom(form, data = d, weights = weight, Hess = TRUE, trace = FALSE, maxit = 500),
  "VGAM::vglm(multinomial)" = function() VGAM::vglm(form, VGAM::multinomial(refLevel = 1), data = d, weights = weight)
)
f <- peers[[peer]]
invisible(loadNamespace(strsplit(peer, "::")[[1]][1]))  # loading the package is not fitting
if (repeats > 1) invisible(f())  # one run that does not count
spent <- system.time(for (i in seq_len(repeats)) f(), gcFirst = FALSE)
cat((spent[["user.self"]] + spent[["sys.self"]]) / repeats, "\n")
