/** Filters and sort order of the episodes, stored in the URL: {task, outcome, step: "10..20", sort: "-reward", …}. */

const EXACT = ["task", "kind", "label", "stage", "ending"];
const SPANS = ["step", "reward", "turns"];
const LISTS = { action: "actions", cause: "causes", misread: "misread" }; // filter → column with a list
export const FILTERS = [...EXACT, "outcome", ...SPANS, "seed", "q", "tag", "last", "seen", ...Object.keys(LISTS)];
export const OUTCOMES = [
  ["success", "success"],
  ["failed", "not successful"],
  ["completed", "completed, not successful"],
  ["truncated", "out of turns"],
  ["invalid", "invalid"],
  ["context", "context full"],
  ["timeout", "too slow"],
  ["error", "env failed"],
];
export const ORDER = "-step";

/** The filter and sort part of a query, for use in links. */
export function listQuery(query) {
  return Object.fromEntries([...FILTERS, "sort"].filter((key) => query[key]).map((key) => [key, query[key]]));
}

/** Indices of the rows that match a query, in its sort order. */
export function select(table, query) {
  const tests = conditions(table.columns, query, table);
  const rows = [];
  for (let at = 0; at < table.size; at += 1) if (tests.every((test) => test(at))) rows.push(at);
  return order(rows, table, query.sort || ORDER);
}

function conditions(columns, query, table) {
  const tests = [];
  for (const name of EXACT) if (query[name]) tests.push((at) => columns[name][at] === query[name]);
  for (const name of SPANS) {
    const [low, high] = span(query[name]);
    if (low > -Infinity) tests.push((at) => columns[name][at] >= low);
    if (high < Infinity) tests.push((at) => columns[name][at] <= high);
  }
  if (query.seed) tests.push((at) => String(columns.seed[at]) === query.seed.trim());
  if (query.outcome) tests.push(outcomeTest(columns, query.outcome));
  for (const [name, column] of Object.entries(LISTS)) if (query[name]) tests.push((at) => columns[column][at]?.includes(query[name]));
  if (query.last) tests.push((at) => columns.actions[at]?.at(-1) === query.last);
  if (query.seen) tests.push((at) => columns.seen[at] != null && (columns.seen[at] === 1) === (query.seen === "right"));
  if (query.tag) tests.push((at) => table.marks.get(columns.id[at])?.tags.includes(query.tag));
  const found = searched(query.q);
  if (found.length) tests.push((at) => found.every((word) => table.text(at).includes(word) || table.hits.get(word)?.has(columns.id[at])));
  return tests;
}

/** The words of a search in lower case. A phrase in double quotes is one. */
export function searched(text = "") {
  return [...text.toLowerCase().matchAll(/"([^"]+)"|[^\s"]+/g)].map((match) => match[1] ?? match[0]);
}

function outcomeTest(columns, wanted) {
  if (wanted === "success") return (at) => columns.success[at];
  if (wanted === "failed") return (at) => !columns.success[at];
  return (at) => !columns.success[at] && columns.ended[at] === wanted;
}

/** Parse "10..20", "10.." or "..20" into two numbers. A single number is both bounds. */
export function span(text) {
  const [first, last] = (text ?? "").split("..");
  const low = bound(first);
  const high = last === undefined ? low : bound(last);
  return [low ?? -Infinity, high ?? Infinity];
}

/** Join the texts of two inputs into a range for the URL. */
export function spanText(low, high) {
  return low === "" && high === "" ? "" : low === high ? low : `${low}..${high}`;
}

function bound(text) {
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : null;
}

/** Sort by "column" or "-column" (descending). The sort is stable, and empty values come last. */
function order(rows, table, sort) {
  const falling = sort.startsWith("-");
  const column = table.columns[falling ? sort.slice(1) : sort];
  if (!column) return rows;
  const sign = falling ? -1 : 1;
  return rows.sort((a, b) => {
    const [left, right] = [column[a], column[b]];
    if (left === right) return a - b;
    if (left == null) return 1;
    if (right == null) return -1;
    return (left < right ? -1 : 1) * sign;
  });
}
