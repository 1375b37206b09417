# The cumulative logit by brms, compiled and sampled: file with rows. Prints seconds and the smallest bulk ESS as JSON.
started <- proc.time()[["elapsed"]]
suppressPackageStartupMessages(library(brms))
# Debian keeps these headers outside the R packages that stand for them
if (!dir.exists(rstan::rstan_options("boost_lib"))) rstan::rstan_options(boost_lib = "/usr/include")
if (!dir.exists(rstan::rstan_options("eigen_lib"))) rstan::rstan_options(eigen_lib = "/usr/include/eigen3")
imported <- proc.time()[["elapsed"]]
d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE)
d$y <- factor(d$y, ordered = TRUE)
form <- as.formula(paste("y ~", paste(setdiff(names(d), "y"), collapse = " + ")))
made <- suppressMessages(suppressWarnings(brm(form, data = d, family = cumulative("logit"), prior = set_prior("normal(0, 1)", class = "b"),
  chains = 4, iter = 2000, warmup = 1000, cores = 2, refresh = 0, seed = 1, silent = 2)))
spent <- rstan::get_elapsed_time(made$fit)
sampling <- sum(spent) / 2  # four chains on two cores
bulk <- posterior::summarise_draws(as.array(made), posterior::ess_bulk)
bulk <- bulk[grepl("^b_", bulk$variable), ]
cat(sprintf('{"imports": %f, "sampling": %f, "ess": %f}\n', imported - started, sampling, min(bulk[[2]])))
