# Numbers of R packages on data stored beside them; run in this folder: Rscript make.R. Writes numbers.json, the same bytes every time.
# splines 4.2.2, MASS 7.3-58.2, rms 6.5-0, ordinal 2022.11-16, survey 4.1-1, nnet 7.3-18.
options(survey.lonely.psu = "fail")
suppressMessages({library(MASS); library(ordinal); library(rms); library(survey); library(splines)})
out <- list()
put <- function(name, values) out[[name]] <<- as.list(setNames(as.numeric(unlist(values)), names(unlist(values))))

# Natural splines of a continuous predictor: api_svyolr's schools, unweighted
schools <- read.csv("../api_svyolr/data.csv")
schools$mealcat <- factor(schools$mealcat, levels = c("(0, 25]", "(25, 50]", "(50, 75]", "(75, 100]"), ordered = TRUE)
schools$stype <- factor(schools$stype, levels = c("E", "H", "M"))
at <- data.frame(mobility = c(0, 5, 10, 15, 20, 30, 40, 60, 90), stype = factor("E", levels = c("E", "H", "M")))
spline <- clm(mealcat ~ ns(mobility, df = 3) + stype, data = schools, control = list(gradTol = 1e-10))
put("ns.loglik", logLik(spline))
put("ns.eta", setNames(drop(predict(spline, newdata = at, type = "linear.predictor")$eta1[, 1]), at$mobility))
knots <- quantile(schools$mobility, c(0, 1, 2, 3) / 3)
put("rcs.coef", coef(lrm(mealcat ~ rcs(mobility, knots) + stype, data = schools, tol = 1e-14, eps = 1e-12))[4:6])

# Codings of an ordered predictor
wine <- read.csv("../wine_clm_po/data.csv")
wine$rating <- factor(wine$rating, ordered = TRUE)
wine$bottle <- factor(wine$bottle, ordered = TRUE)
put("poly.coef", coef(clm(rating ~ bottle, data = wine, control = list(gradTol = 1e-10)))[5:11])

# Cut points by group are nominal effects
wine$contact <- factor(wine$contact, levels = c("no", "yes"))
wine$temp <- factor(wine$temp, levels = c("cold", "warm"))
grouped <- clm(rating ~ temp, nominal = ~ contact, data = wine, control = list(gradTol = 1e-10))
put("grouped.loglik", logLik(grouped))
put("grouped.yes", coef(grouped)[1:4] + coef(grouped)[5:8])

# Tests of parallel slopes and of equal spread with several terms, on weighted counts
housing <- read.csv("../housing_polr_logit/data.csv", stringsAsFactors = TRUE)
housing$Sat <- factor(housing$Sat, levels = c("Low", "Medium", "High"), ordered = TRUE)
housing$Infl <- factor(housing$Infl, levels = c("Low", "Medium", "High"))
housing$Type <- factor(housing$Type, levels = c("Tower", "Apartment", "Atrium", "Terrace"))
housing$Cont <- factor(housing$Cont, levels = c("Low", "High"))
plain <- clm(Sat ~ Infl + Type + Cont, weights = Freq, data = housing, control = list(gradTol = 1e-10))
for (term in c("Infl", "Type", "Cont")) {
  one <- nominal_test(plain)[term, ]
  put(paste0("nominal.", term), c(statistic = one$LRT, df = one$Df, p_value = one$`Pr(>Chi)`, loglik = one$logLik))
  one <- scale_test(plain)[term, ]
  put(paste0("scale.", term), c(statistic = one$LRT, df = one$Df, p_value = one$`Pr(>Chi)`))
}

# Wald tests of terms under a design
design <- svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = schools)
fit <- svyolr(mealcat ~ avg.ed + mobility + stype, design = subset(design, !is.na(avg.ed)), control = list(reltol = 1e-14, maxit = 1000))
place <- function(names) match(names, names(coef(fit)))
squared <- function(names) drop(t(coef(fit)[names]) %*% solve(vcov(fit)[place(names), place(names)]) %*% coef(fit)[names])
put("wald.stype", c(W = squared(c("stypeH", "stypeM")), p_chisq = regTermTest(fit, ~stype, df = Inf)$p))
put("wald.avg.ed", c(W = squared("avg.ed"), p_chisq = regTermTest(fit, ~avg.ed, df = Inf)$p))

writeLines(jsonlite::toJSON(out, auto_unbox = TRUE, digits = 12, pretty = 1), "numbers.json")
writeLines(R.version.string, "session.txt")
