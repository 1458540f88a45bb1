/** The index of the episodes in columns: appended to while a run goes on, looked up by group and by seed. */

const COLUMNS = ["id", "label", "task", "kind", "stage", "seed", "step", "group", "success", "ended", "reward", "turns", "valid", "advantage", "score"];

export class Table {
  constructor() {
    this.clear();
  }

  clear() {
    this.columns = Object.fromEntries(COLUMNS.map((name) => [name, []]));
    this.places = new Map();
    this.groups = new Map();
    this.starts = new Map();
    this.texts = [];
  }

  get size() {
    return this.columns.id.length;
  }

  /** What to ask for next: the id after the last one. */
  get next() {
    return this.size ? this.columns.id[this.size - 1] + 1 : 0;
  }

  /** Append an Index; returns whether anything changed. One of another generation (or from 0) replaces what was there. */
  append(index) {
    if (this.size && index.from === 0) this.clear();
    this.generation = index.generation;
    const start = this.size;
    const ids = index.columns.id ?? [];
    for (const name of COLUMNS) {
      const from = index.columns[name] ?? [];
      for (let row = 0; row < ids.length; row += 1) this.columns[name].push(from[row] ?? null);
    }
    for (let row = start; row < this.size; row += 1) {
      this.places.set(this.columns.id[row], row);
      push(this.groups, this.groupKey(row), row);
      push(this.starts, this.startKey(row), row);
    }
    return ids.length > 0;
  }

  /** A row as an object; `at` is its place in the columns. */
  row(at) {
    const row = { at };
    for (const name of COLUMNS) row[name] = this.columns[name][at];
    return row;
  }

  /** The row of an episode's id, or null. */
  find(id) {
    return this.places.has(id) ? this.row(this.places.get(id)) : null;
  }

  groupKey(at) {
    const { label, stage, step, task, group } = this.columns;
    return JSON.stringify([label[at], stage[at], step[at], task[at], group[at]]);
  }

  startKey(at) {
    return JSON.stringify([this.columns.task[at], this.columns.seed[at]]);
  }

  /** The rows that share a row's group: the same start, played several times. */
  group(at) {
    return this.groups.get(this.groupKey(at)) ?? [];
  }

  /** The rows that have a row's task, seed and kind. */
  sameStart(at) {
    return (this.starts.get(this.startKey(at)) ?? []).filter((other) => this.sameKind(at, other));
  }

  /** Whether two rows with one seed can have one start: another scenario or size has others. */
  sameKind(one, other) {
    const [a, b] = [this.columns.kind[one], this.columns.kind[other]];
    return a === b || !a || !b;
  }

  /** The distinct values of a column with how often each is there, in order of appearance; empty ones left out. */
  values(name, rows = null) {
    const found = new Map();
    const column = this.columns[name];
    const add = (value) => value !== "" && value != null && found.set(value, (found.get(value) ?? 0) + 1);
    if (rows) for (const at of rows) add(column[at]);
    else for (const value of column) add(value);
    return found;
  }

  /** What the text search looks through, in lower case. */
  text(at) {
    const { id, label, task, kind, stage, seed, ended } = this.columns;
    this.texts[at] ??= [`#${id[at]}`, label[at], task[at], kind[at], stage[at], seed[at], ended[at]].join(" ").toLowerCase();
    return this.texts[at];
  }
}

function push(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
