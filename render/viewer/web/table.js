/** Column-based index of the episodes that grows with a live run, with lookups by group and by seed. */

const COLUMNS = ["id", "label", "task", "kind", "stage", "seed", "step", "group", "success", "ended", "reward", "turns", "valid", "advantage", "score", "pictured", "ending", "match", "actions", "causes", "seen", "misread"];

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
    this.hits = new Map(); // words → ids of the episodes whose prompts or replies contain them
    this.marks ??= new Map();
  }

  /** Take the tags and notes of the run: {id: {tags, note}}. */
  setMarks(marks) {
    this.marks = new Map(Object.entries(marks ?? {}).map(([id, mark]) => [Number(id), mark]));
    this.texts = [];
  }

  get size() {
    return this.columns.id.length;
  }

  /** The next id to request: the one after the last. */
  get next() {
    return this.size ? this.columns.id[this.size - 1] + 1 : 0;
  }

  /** Append an index and return true if it has rows. An index that starts at 0 replaces the current rows. */
  append(index) {
    if (this.size && index.from === 0) this.clear();
    this.generation = index.generation;
    const start = this.size;
    this.hits.clear();
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

  /** A row as an object. `at` is its index in the columns. */
  row(at) {
    const row = { at };
    for (const name of COLUMNS) row[name] = this.columns[name][at];
    return row;
  }

  /** The row of an episode id, or null. */
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

  /** The rows in the same group as a row, which share a seed. */
  group(at) {
    return this.groups.get(this.groupKey(at)) ?? [];
  }

  /** The rows with the same task, seed and kind as a row. */
  sameStart(at) {
    return (this.starts.get(this.startKey(at)) ?? []).filter((other) => this.sameKind(at, other));
  }

  /** True if two rows with the same seed can start from the same state. Another kind means another start. */
  sameKind(one, other) {
    const [a, b] = [this.columns.kind[one], this.columns.kind[other]];
    return a === b || !a || !b;
  }

  /** The row of another seat in the same match, or null. */
  otherSeat(at) {
    const { match } = this.columns;
    if (!match[at]) return null;
    return (this.starts.get(this.startKey(at)) ?? []).find((other) => other !== at && match[other] === match[at]) ?? null;
  }

  /** True if two rows can be compared: the seats of one match, or, outside matches, the same start. */
  comparable(one, other) {
    const { match } = this.columns;
    return match[one] || match[other] ? one !== other && match[one] === match[other] : this.sameKind(one, other);
  }

  /** The successful episode with the same start that shares the most first actions with a row, or null. */
  nearestSuccess(at) {
    const { success, actions, label, pictured, seed } = this.columns;
    const own = actions[at] ?? [];
    const rank = (other) => {
      const theirs = actions[other] ?? [];
      let shared = 0;
      while (shared < own.length && own[shared] === theirs[shared]) shared += 1;
      return [shared, label[other] === label[at], pictured[other] !== false];
    };
    const better = (a, b) => a.find((value, place) => value !== b[place]) > b.find((value, place) => value !== a[place]);
    let best = null;
    for (const other of new Set([...this.group(at).filter((one) => seed[one] === seed[at]), ...this.sameStart(at)])) {
      if (other === at || !success[other]) continue;
      const found = rank(other);
      if (!best || better(found, best.found)) best = { other, found };
    }
    return best && best.other;
  }

  /** Counts of the distinct non-empty values of a column, in order of appearance. */
  values(name, rows = null) {
    const found = new Map();
    const column = this.columns[name];
    const add = (value) => value !== "" && value != null && found.set(value, (found.get(value) ?? 0) + 1);
    if (rows) for (const at of rows) add(column[at]);
    else for (const value of column) add(value);
    return found;
  }

  /** The searchable text of a row's columns, tags and note, in lower case. */
  text(at) {
    const { id, label, task, kind, stage, seed, ended, ending } = this.columns;
    const { tags = [], note = "" } = this.marks.get(id[at]) ?? {};
    this.texts[at] ??= [`#${id[at]}`, label[at], task[at], kind[at], stage[at], seed[at], ended[at], ending[at], ...tags, note].join(" ").toLowerCase();
    return this.texts[at];
  }
}

function push(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
