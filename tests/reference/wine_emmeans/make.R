# Adjusted probabilities of the wine data by emmeans: averaged over contact with equal weights, delta-method errors, normal
# intervals on the probability scale; and the difference between temperatures.   Rscript make.R > stored.json
suppressMessages(library(ordinal))
suppressMessages(library(emmeans))
fit <- clm(rating ~ temp + contact, data = wine)
means <- emmeans(fit, ~ rating | temp, mode = "prob")
table <- as.data.frame(summary(means))
gaps <- as.data.frame(summary(contrast(means, "revpairwise", by = "rating", simple = "temp")))
row <- function(...) sprintf("  {%s}", paste(..., sep = ", "))
number <- function(name, x) sprintf('"%s": %.8f', name, x)
text <- function(name, x) sprintf('"%s": "%s"', name, x)
cat("{\n")
cat(sprintf('"source": "emmeans %s, ordinal %s",\n', packageVersion("emmeans"), packageVersion("ordinal")))
cat('"probabilities": [\n')
cat(paste(row(text("temp", table$temp), text("category", table$rating), number("estimate", table$prob),
  number("std_error", table$SE), number("lower", table$asymp.LCL), number("upper", table$asymp.UCL)), collapse = ",\n"))
cat('\n],\n"differences": [\n')
cat(paste(row(text("category", gaps$rating), number("estimate", gaps$estimate), number("std_error", gaps$SE),
  number("p_value", gaps$p.value)), collapse = ",\n"))
cat("\n]\n}\n")
