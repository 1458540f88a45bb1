/** All episodes in a table, with filters stored in the URL. */
import { html, useEffect, useMemo, useRef, useState } from "vendor/preact";
import { FILTERS, ORDER, OUTCOMES, listQuery, select, span, spanText } from "viewer/filter";
import { count, percent, plural, points } from "viewer/format";
import { useKeys } from "viewer/keys";
import { usePage } from "viewer/page";
import { Empty, Outcome } from "viewer/parts";
import { go, groupParts, link, replace } from "viewer/route";
import { Rows } from "viewer/rows";

const text = (value) => value;
const step = (value) => (value < 0 ? "–" : value);
const signed = (value) => points(value, true);

/** Key, title, cell content and class of each column. Narrow pages hide "wide" columns. */
const COLUMNS = [
  ["id", "#", (id, row, list) => html`<a href=${link("episode", [id], list)}>${id}</a>`, "num"],
  ["success", "Outcome", (value, row) => html`<${Outcome} row=${row} />`, ""],
  ["label", "Policy", (value, row, list, page) => html`<span>${page.title(value)}</span>`, "name"],
  ["task", "Task", text, "name wide"],
  ["kind", "Kind", text, "name wide"],
  ["stage", "Stage", text, "name wide"],
  ["step", "Step", step, "num wide"],
  ["group", "Group", (value, row, list, { table }) => (table.group(row.at).length > 1 ? html`<a href=${link("group", groupParts(row))}>${value}</a>` : value), "num wide"],
  ["seed", "Seed", text, "num wide"],
  ["turns", "Turns", text, "num"],
  ["valid", "Valid", percent, "num wide"],
  ["reward", "Reward", (value) => points(value), "num"],
  ["advantage", "Advantage", signed, "num wide"],
  ["score", "Score", (value) => points(value), "num wide"],
];

export function EpisodesView() {
  const page = usePage();
  const { route, table, version } = page;
  const list = listQuery(route.query);
  const key = JSON.stringify(list);
  const rows = useMemo(() => select(table, list), [version, key]);
  const search = useRef();
  useKeys({ "/": () => search.current?.focus() });
  const set = (changes) => replace(link("episodes", [], listQuery({ ...list, ...changes })));
  const open = (at) => go(link("episode", [table.columns.id[at]], list));
  const shown = useMemo(() => COLUMNS.filter(([column]) => isTold(table, column)), [version]);
  const won = rows.reduce((sum, at) => sum + (table.columns.success[at] ? 1 : 0), 0);
  const filtered = FILTERS.some((one) => list[one]);
  const head = shown.map(([column, title, , look]) => html`<${Head} column=${column} title=${title} look=${look} sort=${list.sort || ORDER} set=${set} />`);
  const cells = (at) => {
    const row = table.row(at);
    return shown.map(([column, , content, look]) => html`<td class=${look} data-column=${column}>${content(row[column], row, list, page)}</td>`);
  };
  return html`<section class="episodes">
    <h1>Episodes</h1>
    <${Filters} list=${list} set=${set} search=${search} />
    <p class="counts" role="status"><strong class="num">${count(rows.length)}</strong> of <span class="num">${plural(table.size, "episode")}</span>${rows.length > 0 && html`, <span class="num">${percent(won / rows.length)}</span> success`}
      ${filtered && html` <button class="plain" onClick=${() => replace(link("episodes", [], { sort: list.sort }))}>Clear filters</button>`}</p>
    ${rows.length ? html`<${Rows} name="episodes" rows=${rows} version=${version} head=${head} cells=${cells} open=${open} />` : html`<${Nothing} list=${list} set=${set} />`}
  </section>`;
}

/** Return true if the column has any value to show. */
function isTold(table, name) {
  const column = table.columns[name];
  if (name === "group") return table.groups.size < table.size;
  if (["kind", "stage"].includes(name)) return column.some((value) => value);
  if (["advantage", "score"].includes(name)) return column.some((value) => value != null);
  return name !== "step" || column.some((value) => value >= 0);
}

function Head({ column, title, look, sort, set }) {
  const falling = sort === `-${column}`;
  const rising = sort === column;
  const order = falling ? "descending" : rising ? "ascending" : "none";
  return html`<th scope="col" class=${look} aria-sort=${order}><button onClick=${() => set({ sort: falling ? column : `-${column}` })}>${title}<span aria-hidden="true">${falling ? " ↓" : rising ? " ↑" : ""}</span></button></th>`;
}

function Filters({ list, set, search }) {
  const page = usePage();
  const { table, version } = page;
  const choices = useMemo(() => Object.fromEntries(["task", "kind", "label", "stage"].map((column) => [column, [...table.values(column)]])), [version]);
  const choice = (column, title, write = (value) => value) => {
    const values = choices[column];
    if (values.length < 2 && !list[column]) return null;
    const known = values.some(([value]) => value === list[column]);
    return html`<label>${title}<select value=${list[column] ?? ""} onChange=${(event) => set({ [column]: event.target.value })}>
      <option value="">all</option>
      ${list[column] && !known && html`<option value=${list[column]}>${list[column]}</option>`}
      ${values.map(([value, many]) => html`<option value=${value}>${write(value)} (${count(many)})</option>`)}
    </select></label>`;
  };
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label class="search">Search<${Field} own=${search} type="search" placeholder="label, task, kind, stage, seed, ending, #id" value=${list.q ?? ""} change=${(q) => set({ q })} /></label>
    ${choice("task", "Task")} ${choice("kind", "Kind")} ${choice("label", "Policy", page.title)} ${choice("stage", "Stage")}
    <label>Outcome<select value=${list.outcome ?? ""} onChange=${(event) => set({ outcome: event.target.value })}>
      <option value="">all</option>${OUTCOMES.map(([value, words]) => html`<option value=${value}>${words}</option>`)}
    </select></label>
    ${(list.step || isTold(table, "step")) && html`<${Span} column="step" title="Step" list=${list} set=${set} />`} <${Span} column="reward" title="Reward" list=${list} set=${set} />
    <label>Seed<${Field} class="short" inputmode="numeric" value=${list.seed ?? ""} change=${(seed) => set({ seed })} /></label>
  </form>`;
}

/** An input that filters while typing. A slower update never overwrites the typed text. */
function Field({ own, value, change, ...more }) {
  const mine = useRef();
  const box = own ?? mine;
  const [text, setText] = useState(value);
  useEffect(() => {
    if (document.activeElement !== box.current) setText(value);
  }, [value]);
  const write = (event) => {
    setText(event.target.value);
    change(event.target.value);
  };
  return html`<input ref=${box} ...${more} value=${text} onInput=${write} />`;
}

/** Two inputs for a range. */
function Span({ column, title, list, set }) {
  const [low, high] = span(list[column]);
  const text = (value) => (Number.isFinite(value) ? String(value) : "");
  const field = (words, value, change) =>
    html`<input class="short" type="number" step="any" aria-label=${`${title} ${words}`} placeholder=${words} value=${value} onChange=${(event) => set({ [column]: change(event.target.value) })} />`;
  return html`<fieldset><legend>${title}</legend>
    ${field("from", text(low), (value) => spanText(value, text(high)))}<span class="soft">–</span>${field("to", text(high), (value) => spanText(text(low), value))}
  </fieldset>`;
}

/** Why there are no rows, with a link to the nearest recorded step. */
function Nothing({ list, set }) {
  const { table } = usePage();
  const [low, high] = span(list.step);
  if (!table.size) return html`<${Empty}>No episodes recorded yet.<//>`;
  const steps = [...table.values("step").keys()].filter((step) => step >= 0);
  const missing = list.step && !steps.some((step) => step >= low && step <= high);
  if (!missing || !steps.length) return html`<${Empty}>No episodes match these filters.<//>`;
  const nearest = steps.reduce((best, step) => (Math.abs(step - low) < Math.abs(best - low) ? step : best));
  return html`<${Empty}>No episodes were recorded at this step. <button onClick=${() => set({ step: String(nearest) })}>Go to the nearest step: ${nearest}</button><//>`;
}
