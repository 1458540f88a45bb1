/** All episodes in a table, with filters stored in the URL. */
import { html, useMemo, useRef } from "vendor/preact";
import { csv, download } from "viewer/csv";
import { FILTERS, ORDER, listQuery, span } from "viewer/filter";
import { Filters, isTold } from "viewer/filterbar";
import { count, percent, plural, points } from "viewer/format";
import { useKeys } from "viewer/keys";
import { usePage } from "viewer/page";
import { Empty, Outcome } from "viewer/parts";
import { go, groupParts, link, replace } from "viewer/route";
import { Rows } from "viewer/rows";
import { useRows } from "viewer/search";

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
  ["tags", "Tags", (value, row, list, { table }) => (table.marks.get(row.id)?.tags ?? []).map((tag) => html`<span class="tag">${tag}</span> `), "name wide"],
];

export function EpisodesView() {
  const page = usePage();
  const { route, table, version } = page;
  const list = listQuery(route.query);
  const rows = useRows(list);
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
      ${filtered && html` <button class="plain" onClick=${() => replace(link("episodes", [], { sort: list.sort }))}>Clear filters</button>`}
      <span class="deeds"><a class="button" href=${link("why", [], list)}>Why do they fail?</a>
        <button onClick=${() => download(`${page.run.name}-episodes.csv`, csv(table, rows))} title="Save these episodes as a CSV file">CSV</button></span></p>
    ${rows.length ? html`<${Rows} name="episodes" rows=${rows} version=${version} head=${head} cells=${cells} open=${open} />` : html`<${Nothing} list=${list} set=${set} />`}
  </section>`;
}

function Head({ column, title, look, sort, set }) {
  const falling = sort === `-${column}`;
  const rising = sort === column;
  const order = falling ? "descending" : rising ? "ascending" : "none";
  return html`<th scope="col" class=${look} aria-sort=${order}><button onClick=${() => set({ sort: falling ? column : `-${column}` })}>${title}<span aria-hidden="true">${falling ? " ↓" : rising ? " ↑" : ""}</span></button></th>`;
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
