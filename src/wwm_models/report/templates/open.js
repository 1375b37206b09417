(async () => {
"use strict";
// The page's script: it writes numbers in the chosen language, draws charts, makes the tables of the explorer, and keeps the
// view in the address. It computes no statistic: every number is a cell of the csv tables, by its row.
const all = (what, inside) => Array.from((inside || document).querySelectorAll(what));
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (mark) => mark.charCodeAt(0));
  return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text());
}
const { library, templates: specs, parts, payload: held } = await unpacked(document.getElementById("packed").textContent);
for (const place of all("[data-part]")) place.outerHTML = parts[place.dataset.part];
document.head.append(Object.assign(document.createElement("script"), { textContent: library }));
const state = { lang: held.lang, show: "both", by: "", engine: "likelihood", form: "dots", verdict: "", model: "", group: "", bound: held.bounds.first, at: "" };
const first = Object.keys(held.explored)[0];
if (first !== undefined) Object.assign(state, { model: first, group: groupOf(first, "") });
function groupOf(model, wanted) {
  const known = Object.keys(held.explored[model]);
  return known.includes(wanted) ? wanted : known.find((by) => by) || known[0];
}
const column = (name, row) => (row < 0 || !held.columns[name] ? null : held.columns[name][row]);
const spoken = (said) => said[Object.keys(held.languages).indexOf(state.lang)];
const label = (place) => spoken(held.strings[place]);
const word = (name) => spoken(held.words[name]);
