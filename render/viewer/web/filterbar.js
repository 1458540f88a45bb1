/** The bar with the filters of the episodes. */
import { html, useEffect, useMemo, useRef, useState } from "vendor/preact";
import { OUTCOMES, span, spanText } from "viewer/filter";
import { count } from "viewer/format";
import { usePage } from "viewer/page";

/** Filters that are set by links of other views, each shown as a button that removes it. */
const CHIPS = [["turns", "turns"], ["ending", "last event"], ["action", "action"], ["last", "last action"], ["cause", "invalid reply"], ["seen", "transcript"], ["misread", "misread"]];

/** Return true if the column has any value to show. */
export function isTold(table, name) {
  const column = table.columns[name];
  if (name === "group") return table.groups.size < table.size;
  if (["kind", "stage"].includes(name)) return column.some((value) => value);
  if (name === "tags") return table.marks.size > 0;
  if (["advantage", "score"].includes(name)) return column.some((value) => value != null);
  return name !== "step" || column.some((value) => value >= 0);
}

/** Inputs and menus for every filter. `set(changes)` changes the query. */
export function Filters({ list, set, search }) {
  const page = usePage();
  const { table, version } = page;
  const choices = useMemo(() => Object.fromEntries(["task", "kind", "label", "stage"].map((column) => [column, [...table.values(column)]])), [version]);
  const tags = useMemo(() => [...new Set([...table.marks.values()].flatMap((mark) => mark.tags))].sort(), [version]);
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
    <label class="search">Search<${Field} own=${search} type="search" placeholder='words, "a phrase", seed, #id' title="In prompts, thinking, replies, labels, kinds, seeds, endings, tags and notes" value=${list.q ?? ""} change=${(q) => set({ q })} /></label>
    ${choice("task", "Task")} ${choice("kind", "Kind")} ${choice("label", "Policy", page.title)} ${choice("stage", "Stage")}
    <label>Outcome<select value=${list.outcome ?? ""} onChange=${(event) => set({ outcome: event.target.value })}>
      <option value="">all</option>${OUTCOMES.map(([value, words]) => html`<option value=${value}>${words}</option>`)}
    </select></label>
    ${(list.step || isTold(table, "step")) && html`<${Span} column="step" title="Step" list=${list} set=${set} />`} <${Span} column="reward" title="Reward" list=${list} set=${set} />
    ${tags.length > 0 && html`<label>Tag<select value=${list.tag ?? ""} onChange=${(event) => set({ tag: event.target.value })}>
      <option value="">all</option>${tags.map((tag) => html`<option value=${tag}>${tag}</option>`)}
    </select></label>`}
    <label>Seed<${Field} class="short" inputmode="numeric" value=${list.seed ?? ""} change=${(seed) => set({ seed })} /></label>
    ${CHIPS.filter(([key]) => list[key]).map(([key, words]) => html`<button class="chip" title="Remove this filter" onClick=${() => set({ [key]: "" })}>${words}: <b>${list[key].replace("..", " to ")}</b> ×</button>`)}
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
