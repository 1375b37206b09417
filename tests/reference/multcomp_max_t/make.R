# Critical values and adjusted p-values of the largest |t| by multcomp (single step): three ages compared pairwise on three
# answers with a joint covariance of rank 9. Output is the same in every run: the seed is set before each call, and the
# accuracy asked of mvtnorm is far below the digits stored.   Rscript make.R > stored.json
suppressMessages(library(multcomp))
suppressMessages(library(mvtnorm))
root <- matrix(round(sin(1:81), 3), 9)
joint <- round(crossprod(root) / 900 + diag(9) / 500, 8)
estimates <- round(cos(1:9) / 2, 4)
pairs <- combn(3, 2)
K <- matrix(0, 9, 9)
row <- 0
for (answer in 1:3) for (pair in 1:3) {
  row <- row + 1
  K[row, (answer - 1) * 3 + pairs[2, pair]] <- 1
  K[row, (answer - 1) * 3 + pairs[1, pair]] <- -1
}
numbers <- function(x, digits) paste0("[", paste(formatC(x, digits = digits, format = "f"), collapse = ", "), "]")
case <- function(df) {
  fit <- glht(parm(estimates, joint, df = df), linfct = K)
  set.seed(1)
  interval <- confint(fit, maxpts = 1000000, abseps = 1e-5)
  set.seed(1)
  p <- summary(fit, test = adjusted("single-step", maxpts = 1000000, abseps = 1e-6))$test$pvalues
  sprintf('  {"df": %g, "critical": %.3f, "p_values": %s}', df, attr(interval$confint, "calpha"), numbers(p, 4))
}
cat("{\n")
cat(sprintf('"source": "multcomp %s, mvtnorm %s",\n', packageVersion("multcomp"), packageVersion("mvtnorm")))
cat(sprintf('"estimates": %s,\n', numbers(estimates, 4)))
cat('"joint": [\n', paste(apply(joint, 1, numbers, digits = 8), collapse = ",\n"), "],\n", sep = "")
cat('"pairs": [\n', paste(apply(K, 1, numbers, digits = 0), collapse = ",\n"), "],\n", sep = "")
cat('"cases": [\n', paste(sapply(c(0, 12, 60), case), collapse = ",\n"), "]\n}\n", sep = "")
