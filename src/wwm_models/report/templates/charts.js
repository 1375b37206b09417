// ---- charts: the same places as report/charts/layout.py, for the width there is ----
const ROW = 24, HEADER = 30, ABOVE = 19, TOP = 4, FOOT = 24, LINE = 15, MOST_LINES = 3;
const pen = document.createElement("canvas").getContext("2d");
const drawn = new Map();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const adjusted = (by, part) => "adjusted_" + by + part;
const engine = () => (held.columns.adjusted_likelihood && !(state.engine === "bayes" && held.columns.adjusted_bayes) ? "likelihood" : "bayes");
const barred = () => state.form === "stacked" || state.form === "diverging";
const times100 = (value) => (value === null ? null : 100 * value);

// The chosen engine, or the other one where a model was fitted by that one only; the legend says so.
function engineOf(cell) {
  const known = (by) => cell.rows.some(([row]) => column(adjusted(by, ""), row) !== null), other = engine() === "bayes" ? "likelihood" : "bayes";
  return !known(engine()) && known(other) ? other : engine();
}

function cellOf(element) {
  if ("explorer" in element.dataset) {
    const model = held.explored[state.model];
    return model && model[state.group] ? model[state.group].cells[0] : null;
  }
  return held.blocks[element.dataset.block].cells[element.dataset.cell];
}

function valuesBeside(row, by) {
  const raw = column("raw", row), after = column(adjusted(by, ""), row);
  const before = raw === null ? word("suppressed") : written(raw, "percent");
  if (state.show === "raw") return before;
  return state.show === "adjusted" ? written(after, "percent") : before + " → " + written(after, "percent");
}

// Gutter for labels on the left, room for numbers on the right; labels stand above their row where the chart is narrow.
function frame(width, labels, small, right) {
  const longest = Math.max(...labels.map((text) => text.length), 4) * 7.2 + 14;
  const above = width < 470 && !small && longest > 0.34 * width;
  const gutter = above ? 0 : Math.min(longest, small ? 0.42 * width : 0.4 * width, 350);
  return { above, gutter, right, width, limit: above ? width - 8 : gutter - 10, inner: Math.max(width - gutter - right - 4, 60) };
}

// A label in as many lines as the room asks for, so that its end is not cut off: a question is long, and its answer comes last.
function linesOf(text, room, header) {
  pen.font = (header ? "600 13px " : "12.5px ") + getComputedStyle(document.body).fontFamily;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = (lines[lines.length - 1] + " " + word).trim();
    if (lines[lines.length - 1] === "" || lines.length === MOST_LINES || pen.measureText(longer).width <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// Where a row and its label stand: the label beside the middle of the row, or above it.
function placed(y, text, place, header) {
  const lines = linesOf(text, header ? place.width - 4 : place.limit, header), more = LINE * (lines.length - 1);
  const height = header ? HEADER + more : place.above ? ROW + ABOVE + more : Math.max(ROW, more + 19);
  const middle = y + height - (header || place.above ? ROW : height) / 2;
  const label_y = header ? middle - more : place.above ? middle - ABOVE - more : middle - more / 2;
  return { below: y + height, made: { y: middle, label: lines.length > 1 ? lines : text, label_x: -place.gutter, label_y, header } };
}

function dotRows(cell, place) {
  const by = engineOf(cell);
  let y = 0;
  const rows = cell.rows.map(([row, name]) => {
    const { below, made } = placed(y, label(name), place, row < 0);
    y = below;
    made.row = row;
    if (made.header) return made;
    for (const name of ["raw", "published", "published_lower", "published_upper"]) made[name] = times100(column(name, row));
    made.adjusted = times100(column(adjusted(by, ""), row));
    made.lower = times100(column(adjusted(by, "_lower"), row));
    made.upper = times100(column(adjusted(by, "_upper"), row));
    made.written = place.right > 50 ? valuesBeside(row, by) : "";
    return made;
  });
  return { rows, height: y + TOP };
}

function axisOf(cells) {
  let top = 0;
  for (const cell of cells) for (const [row] of cell.rows) for (const name of ["raw", "published_upper", adjusted(engineOf(cell), ""), adjusted(engineOf(cell), "_upper")]) top = Math.max(top, times100(column(name, row)) || 0);
  return held.axes.find(([end]) => top <= end + 1e-9) || held.axes[held.axes.length - 1];
}

function sources(cell) {
  const after = adjusted(engineOf(cell), "");
  return state.show === "both" ? ["raw", after] : [state.show === "raw" ? "raw" : after];
}

// Where a bar begins: at zero, or so that the middle of the scale (half of a middle answer) is at zero.
function startOf(shares) {
  const half = Math.floor(shares.length / 2);
  const below = shares.slice(0, half).reduce((sum, share) => sum + share, 0) + (shares.length % 2 ? shares[half] / 2 : 0);
  return state.form === "diverging" ? -100 * below : 0;
}

function ends(cells) {
  if (state.form !== "diverging") return [0, 100];
  let low = 0, high = 0;
  for (const cell of cells) for (const [, places] of cell.bars) for (const source of sources(cell)) {
    const shares = places.map((row) => column(source, row));
    if (shares.some((share) => share === null)) continue;
    const start = startOf(shares);
    low = Math.min(low, start);
    high = Math.max(high, start + 100 * shares.reduce((sum, share) => sum + share, 0));
  }
  return [25 * Math.floor(low / 25), 25 * Math.ceil(high / 25)];
}

function barRows(cell, place) {
  const colours = held.answers[cell.outcome][state.form], rows = [];
  let y = 0;
  for (const [name, places] of cell.bars) {
    for (const source of sources(cell)) {
      const which = sources(cell).length > 1 ? word(source === "raw" ? "raw" : "adjusted") : "", first = source === sources(cell)[0];
      const shares = places.map((row) => column(source, row));
      const named = first ? label(name) : "", { below, made } = placed(y, named, first ? place : { ...place, above: false }, false), middle = made.y;
      y = below;
      if (named) rows.push(made);
      if (which) rows.push(place.right > 50 ? { y: middle, written: which, header: false } : { y: middle, label: which, label_x: -place.gutter, label_y: middle, header: false });
      if (shares.some((share) => share === null)) { rows.push({ y: middle, written: word("suppressed"), header: false }); continue; }
      let start = startOf(shares);
      shares.forEach((share, at) => {
        const end = start + 100 * share;
        rows.push({ y: middle, start, end, middle: (start + end) / 2, share: KINDS.count(100 * share, state.lang), colour: colours[at][0], on: colours[at][1], row: places[at], source, label_x: 0, label_y: 0, header: false });
        start = end;
      });
    }
    y += sources(cell).length > 1 ? 8 : 0;
  }
  if (state.form === "diverging") rows.push({ zero: 0, from: 0, y, label_x: 0, label_y: 0, header: false });
  return { rows, height: y + TOP };
}

// What the printed numbers allow: one line per limit on the interaction, the strictest first.
function boundRows(place) {
  const [, start, count] = held.bounds.curves[state.bound], rows = [];
  let y = 0;
  for (let at = start; at < start + count; at++) {
    y += ROW + (place.above ? ABOVE : 0);
    const made = { y: y - ROW / 2, label: limitName(at), label_x: -place.gutter, label_y: y - ROW / 2 - (place.above ? ABOVE : 0), header: false, bound: held.bounds.rows[at] };
    for (const name of ["lower", "upper", "published_lower", "published_upper"]) made[name] = times100(bounded(name, at));
    made.adjusted = times100(bounded("max_entropy", at));
    made.written = written(bounded("lower", at), "percent") + " – " + written(bounded("upper", at), "percent");
    rows.push(made);
  }
  return { rows, height: y + TOP };
}

function preparedBounds(element) {
  const width = Math.floor(element.clientWidth);
  if (!held.bounds.curves[state.bound] || width < 40) return null;
  const [, start, count] = held.bounds.curves[state.bound], places = Array.from({ length: count }, (_, at) => start + at);
  const place = frame(width, places.map(limitName), false, 104);
  if (place.above) Object.assign(place, { gutter: 14, inner: place.inner - 14 });  // room for the first number of the axis
  const made = boundRows(place);
  const low = Math.min(0, ...made.rows.map((one) => one.lower)), high = Math.max(...made.rows.map((one) => Math.max(one.upper, one.published_upper || 0)));
  const [, ticks] = held.axes.find(([end]) => high - low <= end + 1e-9) || [0, 50];
  Object.assign(made, { bottom: ticks * Math.floor(low / ticks), top: ticks * Math.ceil(high / ticks - 1e-9), step: ticks });
  element.style.minHeight = made.height + TOP + FOOT + "px";
  return { bars: false, show: "both", place, made, width, said: [state.lang, width, state.bound, colour("ink")].join("|") };
}

// Everything about a chart but the drawing; its height is kept free at once, so that nothing below it moves later.
function prepared(element) {
  if ("bounds" in element.dataset) return preparedBounds(element);
  const cell = cellOf(element), width = Math.floor(element.clientWidth);
  if (!cell || width < 40) return null;
  const small = element.closest(".matrix") !== null;
  const bars = barred() && cell.bars.length > 0 && !element.closest(".claim, .hero");
  const names = bars ? cell.bars.map(([name]) => label(name) || word("adjusted")) : cell.rows.filter(([row]) => row >= 0).map(([, name]) => label(name));
  const place = frame(width, names, small, small || (bars && state.show !== "both") ? 14 : bars ? 88 : 104);
  const together = small ? held.blocks[element.dataset.block].cells : [cell];
  const [end, ticks] = axisOf(together), [low, high] = ends(together);
  const made = bars ? { ...barRows(cell, place), bottom: low, top: high, step: small ? 50 : 25 } : { ...dotRows(cell, place), bottom: 0, top: end, step: ticks };
  element.style.minHeight = made.height + TOP + FOOT + "px";
  return { bars, place, made, width, said: [state.lang, state.show, engine(), bars ? state.form : "dots", width, state.model, state.group, colour("ink")].join("|") };
}

async function draw(element) {
  const found = prepared(element);
  if (!found || drawn.get(element) === found.said) return;
  drawn.set(element, found.said);
  const { bars, place, made, width } = found;
  const spec = structuredClone(specs[bars ? "bars" : "dots"]);
  const given = { show: found.show || state.show, top: made.top, step: made.step, bottom: made.bottom, limit: place.limit, header_limit: width, beside: place.inner + place.right - 4, across: place.inner, room: (22 * (made.top - made.bottom)) / place.inner };
  for (const name of ["ink", "soft", "rule", "faint", "adjusted", "interval", "printed", "band"]) given[name] = colour(name);
  given.paper = colour(element.closest(".card") ? "card" : "paper");
  for (const signal of spec.signals) if (signal.name in given) signal.value = given[signal.name];
  spec.data.find((one) => one.name === "rows").values = made.rows;
  Object.assign(spec, { width: place.inner, height: made.height, padding: { left: place.gutter + 2, right: place.right, top: TOP, bottom: FOOT } });
  element.rows = made.rows;
  if (!element.firstElementChild) element.append(Object.assign(document.createElement("div"), { ariaHidden: "true" }));
  await vegaEmbed(element.firstElementChild, spec, { mode: "vega", ast: true, renderer: "svg", actions: false, tooltip: false, defaultStyle: false });
}

function legends() {
  for (const legend of all(".legend")) {
    const chart = legend.parentElement.querySelector(".chart");
    const cell = chart ? cellOf(chart) : null;
    const bars = barred() && cell && cell.bars.length > 0;
    legend.querySelector(".key").hidden = Boolean(bars);
    all(".answers, .other", legend).forEach((one) => one.remove());
    if (cell && engineOf(cell) !== engine()) legend.append(tag("p", word(engine() === "bayes" ? "not_sampled" : "only_sampled"), { class: "other soft" }));
    if (!bars) continue;
    const key = document.createElement("ul");
    key.className = "key answers";
    const answers = held.answers[cell.outcome];
    answers.labels.forEach((name, at) => {
      const item = document.createElement("li");
      const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      for (const [attribute, value] of [["width", "14"], ["height", "14"], ["aria-hidden", "true"]]) picture.setAttribute(attribute, value);
      const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [attribute, value] of [["width", "14"], ["height", "14"], ["rx", "3"], ["fill", answers[state.form][at][0]]]) square.setAttribute(attribute, value);
      picture.append(square);
      item.append(picture, label(name));
      key.append(item);
    });
    legend.append(key);
  }
}

// What is in sight is drawn at once; the rest when there is time, so that printing and searching find it.
let round = 0;

function redraw() {
  legends();
  const mine = ++round, charts = all(".chart");
  document.body.dataset.ready = "no";
  charts.forEach(prepared);
  const far = (element) => { const box = element.getBoundingClientRect(); return box.bottom < -200 || box.top > innerHeight + 400; };
  const rest = [...charts.filter((one) => !far(one)), ...charts.filter(far)];
  const next = async () => {
    if (mine !== round) return;
    const element = rest.shift();
    if (!element) return void (document.body.dataset.ready = "yes");
    await draw(element).catch((problem) => console.error(problem));
    if (rest.length && far(rest[0])) setTimeout(next); else next();
  };
  next();
}
