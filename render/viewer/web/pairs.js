/** Paired episodes of two policies on the same seeds, and their statistics. */

/** Pair the rows of labels `a` and `b` with the same task, seed and kind, in order. In matches, pair the two seats. */
export function pairs(table, a, b, task = "") {
  const found = [];
  const { label, task: tasks } = table.columns;
  for (const rows of table.starts.values()) {
    if (task && tasks[rows[0]] !== task) continue;
    const waiting = rows.filter((at) => label[at] === a);
    for (const at of rows.filter((one) => label[one] === b)) {
      const place = waiting.findIndex((first) => table.comparable(first, at));
      if (place >= 0) found.push({ a: table.row(waiting.splice(place, 1)[0]), b: table.row(at) });
    }
  }
  return found.sort((one, other) => one.a.at - other.a.at);
}

/** The cell of the 2 × 2 table that a pair belongs to. */
export function cell({ a, b }) {
  if (a.success) return b.success ? "both" : "a";
  return b.success ? "b" : "neither";
}

/** Exact McNemar test: probability of a split at least as uneven as `a` : `b` if both policies are equally good. */
export function chance(a, b) {
  const n = a + b;
  let term = n * Math.log(0.5); // logarithms, since 0.5 ** n underflows to 0 from n = 1,075
  let sum = 0;
  for (let k = 0; k <= Math.min(a, b); k += 1) {
    sum += Math.exp(term);
    term += Math.log((n - k) / (k + 1));
  }
  return Math.min(2 * sum, 1);
}

/** Index of the first turn at which two records differ in action or validity, or null. */
export function firstDifference(a, b) {
  const length = Math.max(a.turns.length, b.turns.length);
  for (let at = 0; at < length; at += 1) {
    const [one, other] = [a.turns[at], b.turns[at]];
    if (!one || !other || one.action !== other.action || one.valid !== other.valid) return at;
  }
  return null;
}

/** Two labels with common seeds: "after" of two runs, else before and after, else any, references last. */
export function defaultLabels(table) {
  const labels = [...table.values("label").keys()];
  const by = (rows, name) => rows.filter((at) => table.columns.label[at] === name);
  const starts = [...table.starts.values()].filter((rows) => rows.length > 1);
  const share = (a, b) => a !== b && starts.some((rows) => by(rows, a).some((one) => by(rows, b).some((other) => table.comparable(one, other))));
  const called = (name) => labels.filter((label) => label.split("/").at(-1) === name);
  const order = [...labels.filter((label) => !isReference(label)), ...labels.filter(isReference)];
  const pairs = [[called("after")[0], called("after")[1]], [called("before")[0], called("after")[0]]];
  for (const a of order) for (const b of order) pairs.push([a, b]);
  return pairs.find(([a, b]) => share(a, b)) ?? [order[0] ?? "", order[1] ?? ""];
}

/** True for the label of a reference policy. */
export function isReference(label) {
  return ["random", "idle", "expert"].includes(label.split("/").at(-1));
}
