# Rscript with_brms.R FILE: the cumulative logit of the Copenhagen tenants in brms, with its own priors, as name,mean,sd.
suppressPackageStartupMessages(library(brms))
d <- read.csv(commandArgs(TRUE)[1])
d$Sat <- factor(d$Sat, c("Low", "Medium", "High"), ordered = TRUE)
d$Infl <- factor(d$Infl, c("Low", "Medium", "High")); d$Cont <- factor(d$Cont, c("Low", "High"))
d$Type <- factor(d$Type, c("Tower", "Apartment", "Atrium", "Terrace"))
compiling <- system.time(fit <- brm(Sat | weights(Freq) ~ Infl + Type + Cont, data = d, family = cumulative("logit"), seed = 1, chains = 0, refresh = 0))
sampling <- system.time(fit <- update(fit, seed = 1, chains = 4, iter = 2000, refresh = 0, recompile = FALSE))
draws <- as.matrix(fit)
wanted <- c("b_InflMedium", "b_InflHigh", "b_ContHigh", "b_Intercept[1]", "b_Intercept[2]")
# what marginaleffects' avg_predictions and avg_comparisons average: the draws of every tenant's probability of "Low"
low <- function(...) { n <- transform(d, ...); drop(posterior_epred(fit, newdata = n)[, , "Low"] %*% d$Freq) / sum(d$Freq) }
infl <- function(x) factor(x, levels(d$Infl)); type <- function(x) factor(x, levels(d$Type))
made <- cbind(
  draws[, wanted], "P(Low)" = low(Freq = Freq),
  "P(Low), influence high minus low" = low(Infl = infl("High")) - low(Infl = infl("Low")),
  "P(Low), terrace minus tower" = low(Type = type("Terrace")) - low(Type = type("Tower"))
)
cat("name,mean,sd\n"); for (name in colnames(made)) cat(sprintf("\"%s\",%.4f,%.4f\n", name, mean(made[, name]), sd(made[, name])))
cat(sprintf("seconds to compile,%.1f,\nseconds to sample,%.1f,\nversion,%s,\n", sum(compiling[c(1, 2, 4, 5)]), sampling[["elapsed"]], packageVersion("brms")))
