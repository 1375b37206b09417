// ---- the explorer's table: the same columns as report/tables/made.py, made from the same rows ----
function tag(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  return made;
}

function datum(name, row, kind) {
  const value = column(name, row);
  if (value === null) return document.createTextNode(name === "raw" && column("n", row) !== null ? word("suppressed") : DASH);
  return tag("data", written(value, kind), { value: String(value), "data-kind": kind, "data-source": `comparison:${row}:${name}` });
}

function withLimits(name, row) {
  const cell = tag("td");
  cell.append(datum(name, row, "percent"));
  if (column(name, row) === null || column(name + "_lower", row) === null) return cell;
  const limits = tag("small");
  limits.append(datum(name + "_lower", row, "percent"), DASH, datum(name + "_upper", row, "percent"));
  cell.append(limits);
  return cell;
}

function explorerTable() {
  const holder = document.getElementById("explorer-table");
  const block = held.explored[state.model] && held.explored[state.model][state.group];
  if (!holder || !block) return;
  const engines = ["likelihood", "bayes"].filter((name) => held.columns["adjusted_" + name]);
  const heads = ["group", "n", "published", "raw", ...engines, "difference"];
  const table = tag("table"), head = tag("thead"), body = tag("tbody"), top = tag("tr");
  for (const name of heads) top.append(tag("th", word("column_" + name), { scope: "col" }));
  head.append(top);
  table.append(tag("caption", label(block.title)), head, body);
  for (const [row, name] of block.cells[0].rows) {
    const line = tag("tr");
    if (row < 0) {
      line.append(tag("th", label(name), { scope: "colgroup", colspan: String(heads.length) }));
    } else {
      line.append(tag("th", label(name), { scope: "row" }));
      for (const [one, kind] of [["n", "count"], ["published", "printed"]]) {
        const cell = tag("td");
        cell.append(datum(one, row, kind));
        line.append(cell);
      }
      line.append(withLimits("raw", row), ...engines.map((one) => withLimits("adjusted_" + one, row)));
      const moved = tag("td");
      moved.append(datum("difference", row, "points"));
      if (column("difference_se", row) !== null) {
        const error = tag("small");
        error.append("(", datum("difference_se", row, "percent"), ")");
        moved.append(error);
      }
      line.append(moved);
    }
    body.append(line);
  }
  const region = tag("div", undefined, { class: "scroll", role: "region", tabindex: "0", "aria-label": label(block.title) });
  region.append(table);
  holder.replaceChildren(region);
  const model = document.querySelector('select[name="model"]');
  document.getElementById("explorer-said").textContent = model.options[model.selectedIndex].textContent + ", " + label(block.title);
}

// ---- bounds: the chosen curve in words and as a table ----
const bounded = (name, at) => (held.bounds.columns[name] ? held.bounds.columns[name][at] : null);

function limitName(at) {
  const delta = bounded("delta", at);
  if (delta === null) return word("limit_none");
  const points = Math.round(1e6 * delta) / 1e4;
  return delta === 0 ? word("limit_additive") : word("limit_points").replace("{points}", decimal(points, Number.isInteger(points) ? 0 : 1, state.lang));
}

function boundsTable() {
  const picker = document.querySelector('select[name="bound"]'), holder = document.getElementById("bounds-curve-table");
  if (!picker) return;
  if (!Object.hasOwn(held.bounds.curves, state.bound)) state.bound = held.bounds.first;
  picker.replaceChildren(...Object.entries(held.bounds.curves).map(([id, [name]]) => tag("option", label(name), { value: id })));
  picker.value = state.bound;
  const [name, start, count] = held.bounds.curves[state.bound];
  const number = (column, at) => tag("data", written(bounded(column, at), "percent"), { value: String(bounded(column, at)), "data-kind": "percent", "data-source": `bounds:${held.bounds.rows[at]}:${column}` });
  const pair = (one, other, at) => (bounded(one, at) === null ? [DASH] : [number(one, at), " – ", number(other, at)]);
  const table = tag("table"), head = tag("tr"), body = tag("tbody"), top = tag("thead");
  for (const heading of ["column_limit", "bounds", "column_entropy", "column_published"]) head.append(tag("th", word(heading), { scope: "col" }));
  for (let at = start; at < start + count; at++) {
    const line = tag("tr");
    line.append(tag("th", limitName(at), { scope: "row" }));
    for (const inside of [pair("lower", "upper", at), bounded("max_entropy", at) === null ? [DASH] : [number("max_entropy", at)], pair("published_lower", "published_upper", at)]) {
      const cell = tag("td");
      cell.append(...inside);
      line.append(cell);
    }
    body.append(line);
  }
  top.append(head);
  table.append(tag("caption", label(name)), top, body);
  const region = tag("div", undefined, { class: "scroll", role: "region", tabindex: "0", "aria-label": label(name) });
  region.append(table);
  holder.replaceChildren(region);
  const ends = [start, start + count - 1].map((at) => `${limitName(at)}: ${written(bounded("lower", at), "percent")} – ${written(bounded("upper", at), "percent")}`);
  document.getElementById("bounds-said").textContent = `${label(name)}. ${ends.join("; ")}.`;
}

function explorerGroups() {
  const model = document.querySelector('select[name="model"]'), group = document.querySelector('select[name="group"]');
  if (!model || !model.options.length) return;
  if (!Object.hasOwn(held.explored, state.model)) state.model = first;
  state.group = groupOf(state.model, state.group);
  const known = Object.keys(held.explored[state.model]);
  model.value = state.model;
  for (const option of model.options) option.textContent = spoken(JSON.parse(option.dataset.name));
  group.replaceChildren(...known.map((by) => tag("option", label(held.explored[state.model][by].title), { value: by })));
  group.value = state.group;
  explorerTable();
}
