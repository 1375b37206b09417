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
  const cell = tag("td", undefined, { class: "gt_right" });
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
  const heads = [["column_group", ""], ["column_n", "gt_right"], ["column_published", "gt_right"], ["column_raw", "gt_right"], ...engines.map((name) => ["column_" + name, "gt_right"]), ["column_difference", "gt_right"]];
  const table = tag("table"), head = tag("thead"), body = tag("tbody"), top = tag("tr");
  for (const [name, kind] of heads) top.append(tag("th", word(name), kind ? { scope: "col", class: kind } : { scope: "col" }));
  head.append(top);
  table.append(tag("caption", label(block.title)), head, body);
  for (const [row, name] of block.cells[0].rows) {
    const line = tag("tr");
    if (row < 0) {
      line.append(tag("th", label(name), { scope: "colgroup", colspan: String(heads.length) }));
    } else {
      line.append(tag("th", label(name), { scope: "row" }));
      for (const [one, kind] of [["n", "count"], ["published", "printed"]]) {
        const cell = tag("td", undefined, { class: "gt_right" });
        cell.append(datum(one, row, kind));
        line.append(cell);
      }
      line.append(withLimits("raw", row), ...engines.map((one) => withLimits("adjusted_" + one, row)));
      const moved = tag("td", undefined, { class: "gt_right" });
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

function explorerGroups() {
  const model = document.querySelector('select[name="model"]'), group = document.querySelector('select[name="group"]');
  if (!model || !model.options.length) return;
  if (!Object.hasOwn(held.explored, state.model)) state.model = first;
  state.group = groupOf(state.model, state.group);
  const known = Object.keys(held.explored[state.model]);
  model.value = state.model;
  for (const option of model.options) option.textContent = option.dataset[state.lang];
  group.replaceChildren(...known.map((by) => tag("option", label(held.explored[state.model][by].title), { value: by })));
  group.value = state.group;
  explorerTable();
}
