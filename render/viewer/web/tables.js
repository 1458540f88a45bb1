/** Tables of a run: texts, and shares as bars with their 95% interval. */
import { html } from "vendor/preact";
import { colourOf } from "viewer/colours";
import { Dot } from "viewer/parts";

const MANY = 4; // maximum number of bar columns with the bar next to the text; with more, bars are above it

/**
 * One table of the run: {title, columns, about, rows, said, published}. `said`: sentences below the table. `published`: number of trailing published rows.
 * `colours`: number of the colour of each run or policy. All bars of a table have one scale, apart from shares and scores.
 */
export function ResultTable({ table, colours }) {
  const scales = { share: scale(table, true), number: scale(table, false) };
  const bars = table.columns.map((_, column) => table.rows.some((row) => row[column]?.low != null));
  const numeric = table.columns.map((_, column) => column > 0 && table.rows.every((row) => isNumber(row[column])));
  const own = table.rows.length - (table.published ?? 0);
  const css = (row, column) => colourOf(colours, textOf(row[0])) ?? colourOf(colours, table.columns[column]);
  return html`<div class="result">
    <h2>${table.title}</h2>
    <div class="scroll" tabindex="0" role="group" aria-label=${table.title}><table class=${bars.filter(Boolean).length > MANY ? "many" : ""}>
      <thead><tr>${table.columns.map((title, column) => html`<th scope="col" title=${table.about?.[column] || null} class=${`${bars[column] ? "barred" : numeric[column] ? "num" : ""} ${table.about?.[column] ? "told" : ""}`}><${Dot} css=${column > 0 && colourOf(colours, title)} />${title}</th>`)}</tr></thead>
      <tbody>${table.rows.map((row, at) => html`<tr class=${at < own ? tone(row) : at === own ? "published first" : "published"}>${row.map((cell, column) => html`<${Cell} cell=${cell} head=${column === 0} bar=${bars[column]} scales=${scales} css=${css(row, column)} numeric=${numeric[column]} />`)}</tr>`)}</tbody>
    </table></div>
    ${(table.said ?? []).map((text) => html`<p class="said">${text}.</p>`)}
  </div>`;
}

function textOf(cell) {
  return typeof cell === "string" ? cell : (cell?.text ?? "");
}

function isShare(cell) {
  return textOf(cell).includes("%");
}

/** The ends [least, most] of the bars in a table: at least 0 to 1 for shares, and always with 0. */
function scale(table, share) {
  const cells = table.rows.flatMap((row) => row.filter((cell) => cell?.value != null && isShare(cell) === share));
  const ends = cells.flatMap((cell) => [cell.value, cell.low ?? cell.value, cell.high ?? cell.value]);
  if (share) return [Math.min(0, ...cells.map((cell) => cell.value)), Math.max(1, ...cells.map((cell) => cell.value))];
  return [Math.min(0, ...ends), Math.max(0, ...ends) || 1];
}

function isNumber(cell) {
  const text = textOf(cell);
  return text === "" || text === "–" || /^[−+-]?\d/.test(text);
}

/** Row class that highlights the trained policy. */
function tone(row) {
  const words = row.slice(0, 2).map((cell) => (typeof cell === "string" ? cell : ""));
  if (words.some((word) => word.endsWith("After RL"))) return "after";
  if (words.some((word) => word.endsWith("Before RL"))) return "before";
  return "";
}

function Cell({ cell, head, bar, scales, css, numeric }) {
  const text = textOf(cell);
  if (head) return html`<th scope="row"><${Dot} css=${css} />${text}</th>`;
  if (!bar || !text || cell?.value == null) return html`<td class=${numeric && !bar ? "num" : ""}>${text || html`<span class="soft">–</span>`}</td>`;
  const [least, most] = scales[isShare(cell) ? "share" : "number"];
  const place = (value) => (100 * (Math.min(Math.max(value, least), most) - least)) / (most - least);
  const [from, to] = [Math.min(cell.value, 0), Math.max(cell.value, 0)].map(place);
  const whisker = cell.low != null && cell.high != null;
  return html`<td class="barred"><div class="measure">
    <span class="gauge" aria-hidden="true">
      <i style=${{ left: `${from}%`, width: `${to - from}%`, ...(css && { background: css }) }} />
      ${least < 0 && html`<u style=${{ left: `${place(0)}%` }} />`}
      ${whisker && html`<b style=${{ left: `${place(cell.low)}%`, right: `${100 - place(cell.high)}%` }} />`}
    </span><${Words} text=${text} /></div></td>`;
}

/** "91.4% (87.3 – 94.3)" with an emphasised mean and a muted interval. */
function Words({ text }) {
  const cut = text.indexOf(" (");
  if (cut < 0) return html`<span class="num"><strong>${text}</strong></span>`;
  return html`<span class="num"><strong>${text.slice(0, cut)}</strong> <span class="soft">${text.slice(cut + 2).replace(/\)$/, "")}</span></span>`;
}
