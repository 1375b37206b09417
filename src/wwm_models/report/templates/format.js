// ---- numbers as report/numbers.py writes them ----
const DASH = "–", MINUS = "−";
function decimal(value, digits, lang) {
  let [whole, part] = Math.abs(value).toFixed(digits).split(".");
  const [mark, thousands] = held.languages[lang];
  whole = whole.replace(/\B(?=(\d{3})+$)/g, thousands);
  const text = part === undefined ? whole : whole + mark + part;
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}
function signed(value, lang) {
  const text = decimal(value, 1, lang);
  return text.startsWith(MINUS) || !/[1-9]/.test(text) ? text : "+" + text;
}
const KINDS = {
  percent: (value, lang) => decimal(100 * value, 1, lang),
  points: (value, lang) => signed(100 * value, lang),
  shift: (value, lang) => signed(value, lang),
  tenth: (value, lang) => decimal(value, 1, lang),
  printed: (value, lang) => {
    const percent = Math.round(1e8 * value) / 1e6;
    return decimal(percent, Number.isInteger(percent) ? 0 : 1, lang);
  },
  chance: (value, lang) => (value < 0.01 ? "< " + decimal(0.01, 2, lang) : value > 0.99 ? "> " + decimal(0.99, 2, lang) : decimal(value, 2, lang)),
  count: (value, lang) => decimal(value, 0, lang),
  plain: (value, lang, text) => (Number.isInteger(value) ? decimal(value, 0, lang) : text.replace(/[.,]/, held.languages[lang][0])),
};
const written = (value, kind) => (value === null ? DASH : KINDS[kind](value, state.lang));

function rewrite(inside) {
  for (const one of all("data", inside)) {
    const own = one.closest("span[lang]");
    one.textContent = KINDS[one.dataset.kind || "percent"](Number(one.value), own ? own.lang : state.lang, one.textContent);
  }
}
