/** Tables of a run: texts, and shares as bars with their 95% interval. */
import { html } from "vendor/preact";

const MANY = 4; // maximum number of bar columns with the bar next to the text; with more, bars are above it

/** One table of the run: {title, columns, rows, published}. `published`: number of trailing published rows. */
export function ResultTable({ table }) {
  const most = table.columns.map((_, column) => Math.max(1, ...table.rows.map((row) => Number(row[column]?.high ?? row[column]?.value ?? 0))));
  const bars = table.columns.map((_, column) => table.rows.some((row) => row[column]?.low != null));
  const numeric = table.columns.map((_, column) => column > 0 && table.rows.every((row) => isNumber(row[column])));
  const own = table.rows.length - (table.published ?? 0);
  return html`<div class="result">
    <h2>${table.title}</h2>
    <div class="scroll" tabindex="0" role="group" aria-label=${table.title}><table class=${bars.filter(Boolean).length > MANY ? "many" : ""}>
      <thead><tr>${table.columns.map((title, column) => html`<th scope="col" class=${bars[column] ? "barred" : numeric[column] ? "num" : ""}>${title}</th>`)}</tr></thead>
      <tbody>${table.rows.map((row, at) => html`<tr class=${at < own ? tone(row) : at === own ? "published first" : "published"}>${row.map((cell, column) => html`<${Cell} cell=${cell} head=${column === 0} bar=${bars[column]} most=${most[column]} numeric=${numeric[column]} />`)}</tr>`)}</tbody>
    </table></div>
  </div>`;
}

function isNumber(cell) {
  const text = typeof cell === "string" ? cell : (cell?.text ?? "");
  return text === "" || /^[−+-]?\d/.test(text);
}

/** Row class that highlights the trained policy. */
function tone(row) {
  const words = row.slice(0, 2).map((cell) => (typeof cell === "string" ? cell : ""));
  if (words.some((word) => word.endsWith("After RL"))) return "after";
  if (words.some((word) => word.endsWith("Before RL"))) return "before";
  return "";
}

function Cell({ cell, head, bar, most, numeric }) {
  const text = typeof cell === "string" ? cell : (cell?.text ?? "");
  if (head) return html`<th scope="row">${text}</th>`;
  if (!bar || !text) return html`<td class=${numeric && !bar ? "num" : ""}>${text || html`<span class="soft">–</span>`}</td>`;
  const place = (value) => `${(100 * Math.min(Math.max(value, 0), most)) / most}%`;
  const whisker = cell?.low != null && cell?.high != null;
  return html`<td class="barred"><div class="measure">
    <span class="gauge" aria-hidden="true">
      ${cell?.value != null && html`<i style=${{ width: place(cell.value) }} />`}
      ${whisker && html`<b style=${{ left: place(cell.low), right: `calc(100% - ${place(cell.high)})` }} />`}
    </span><${Words} text=${text} /></div></td>`;
}

/** "91.4% (87.3 – 94.3)" with an emphasised mean and a muted interval. */
function Words({ text }) {
  const cut = text.indexOf(" (");
  if (cut < 0) return html`<span class="num"><strong>${text}</strong></span>`;
  return html`<span class="num"><strong>${text.slice(0, cut)}</strong> <span class="soft">${text.slice(cut + 2).replace(/\)$/, "")}</span></span>`;
}
