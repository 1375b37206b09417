// ---- the view: what is shown, and its place in the address ----
const STARTS = { ...state };

function read() {
  const hash = decodeURIComponent(location.hash.slice(1));
  if (!hash.includes("=")) return void (state.at = hash);
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (name in state) state[name] = value;
  if (!(state.lang in held.languages)) state.lang = held.lang;
  for (const name of ["show", "by", "engine", "form"]) {
    const known = all(`input[name="${name}"]`).map((one) => one.value);
    if (known.length && !known.includes(state[name])) state[name] = STARTS[name];
  }
}

function address() {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) if (value !== STARTS[name] && value !== "") parts.set(name, value);
  return "#" + parts.toString();
}

function write() {
  history.replaceState(null, "", address());
}

function language() {
  document.documentElement.lang = state.lang;
  document.body.dataset.lang = state.lang;
  for (const one of all("[data-label]")) one.setAttribute("aria-label", spoken(JSON.parse(one.dataset.label)));
  for (const one of all("[data-title]")) one.title = spoken(JSON.parse(one.dataset.title));
  rewrite();
}

function groupings() {
  for (const figure of all("section.figure")) {
    const blocks = all(".block", figure);
    const wanted = blocks.filter((block) => state.by === "both" || block.dataset.by === (state.by || figure.dataset.own));
    for (const block of blocks) block.hidden = !(wanted.length ? wanted : blocks.slice(0, 1)).includes(block);
  }
}

function asTable(button, open) {
  const table = document.getElementById(button.getAttribute("aria-controls"));
  const figure = button.closest("figure");
  table.hidden = !open;
  for (const one of all(".chart, .matrix, .legend", figure)) one.hidden = open;
  button.setAttribute("aria-expanded", String(open));
  button.textContent = word(open ? "as_chart" : "as_table");
}

function tablesOrCharts() {
  for (const button of all(".as-table")) asTable(button, state.form === "table");
}

function verdicts() {
  for (const claim of all(".claim")) claim.hidden = state.verdict !== "" && claim.dataset.verdict !== state.verdict;
  for (const button of all("[data-filter]")) button.setAttribute("aria-pressed", String(button.dataset.filter === state.verdict));
}

function controls() {
  for (const name of ["show", "by", "engine", "form", "lang"]) for (const one of all(`input[name="${name}"]`)) one.checked = one.value === state[name];
}

function apply() {
  controls();
  language();
  groupings();
  verdicts();
  explorerGroups();
  boundsTable();
  tablesOrCharts();
  redraw();
}

// A claim by its own id, or by its place in the list ("claim-5"); anything else by the id of its element.
function targetOf() {
  const found = state.at && document.getElementById(state.at);
  return found && !found.classList.contains("claim") ? found : all(".claim").find((one) => one.dataset.claim === state.at) || found;
}

function go() {
  const target = targetOf();
  if (!target) return;
  if (target.hidden) { state.verdict = ""; verdicts(); }
  const inside = target.querySelector("details");
  if (target.classList.contains("claim") && inside) inside.open = true;
  target.scrollIntoView();
}

document.body.classList.add("js");
for (const one of all('.bar input')) one.addEventListener("change", () => {
  state[one.name] = one.value;
  apply();
  write();
});
for (const one of all("[data-filter]")) one.addEventListener("click", () => {
  state.verdict = one.dataset.filter;
  verdicts();
  write();
});
for (const one of all(".as-table")) one.addEventListener("click", () => {
  asTable(one, one.getAttribute("aria-expanded") !== "true");
  redraw();
});
for (const one of all(".pickers select")) one.addEventListener("change", () => {
  state[one.name] = one.value;
  explorerGroups();
  boundsTable();
  redraw();
  write();
});
for (const one of all(".claim > details")) one.addEventListener("toggle", () => {
  if (one.open) redraw();
  if (one.open) state.at = one.parentElement.dataset.claim;
  else if (targetOf() === one.parentElement) state.at = "";
  write();
});
for (const one of all('a[href^="#"]:not(.skip)')) one.addEventListener("click", (event) => {
  event.preventDefault();
  state.at = one.getAttribute("href").slice(1);
  go();
  write();
});
for (const one of all(".cite")) one.addEventListener("click", async () => {
  write();
  try { await navigator.clipboard.writeText(location.href); one.textContent = word("cited"); } catch { one.textContent = location.href; }
});
addEventListener("hashchange", () => { Object.assign(state, STARTS); read(); apply(); go(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
// What is gone to stands below the bar, whatever rows the bar has.
const bar = document.querySelector(".bar");
const keepFree = () => document.documentElement.style.setProperty("--bar", bar.offsetHeight + "px");
new ResizeObserver(keepFree).observe(bar);
let waiting = 0;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(redraw, 120); });
addEventListener("beforeprint", () => all(".chart").forEach((one) => draw(one)));

read();
apply();
keepFree();
go();
})();
