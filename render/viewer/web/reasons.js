/** Counts over a selection of episodes that explain its failures. */
import { outcome } from "viewer/format";
import { isReference } from "viewer/pairs";

const MOST_LENGTHS = 10;

/** The counts of `rows`: endings, events, actions, kinds, lengths, seeds, causes of invalid replies and transcripts. */
export function reasons(table, rows) {
  const { success, ended, ending, actions, causes, kind, task, turns, seen, misread } = table.columns;
  const found = {
    failed: [], episodes: rows.length, replies: 0, played: [0, 0],
    endings: new Map(), events: new Map(), actions: new Map(), last: new Map(), kinds: new Map(), causes: new Map(),
    sight: { seen: [0, 0], misseen: [0, 0] }, misread: new Map(),
  }; // every pair of numbers counts [failures, successes]
  const tasks = new Set(rows.map((at) => task[at]));
  for (const at of rows) {
    const side = success[at] ? 1 : 0;
    if (!success[at]) {
      found.failed.push(at);
      add(found.endings, outcome(false, ended[at]).word, { outcome: ended[at] });
      if (ending[at]) add(found.events, ending[at], { ending: ending[at] });
    }
    const list = actions[at] ?? [];
    for (const action of list) pair(found.actions, action)[side] += 1;
    found.played[side] += list.length;
    if (list.length) pair(found.last, list.at(-1))[side] += 1;
    for (const cause of causes[at] ?? []) add(found.causes, cause, { cause });
    found.replies += turns[at];
    const name = [tasks.size > 1 || !kind[at] ? task[at] : "", kind[at]].filter(Boolean).join(" · ");
    const row = get(found.kinds, name, () => ({ name, query: { task: task[at], kind: kind[at] }, counts: [0, 0], seen: [0, 0], misseen: [0, 0] }));
    row.counts[side] += 1;
    if (seen[at] == null) continue;
    const sight = seen[at] === 1 ? "seen" : "misseen";
    found.sight[sight][side] += 1;
    row[sight][side] += 1;
    for (const units of misread[at] ?? []) add(found.misread, units, { misread: units });
  }
  return { ...found, lengths: lengths(rows, turns, success), seeds: seeds(table, rows) };
}

/** Success by turn count: [{name, query, counts}], in ranges if there are many counts. */
function lengths(rows, turns, success) {
  const values = rows.map((at) => turns[at]);
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, 0]);
  const width = Math.max(Math.ceil((high - low + 1) / MOST_LENGTHS), 1);
  const bins = new Map();
  for (const at of rows) {
    const from = low + width * Math.floor((turns[at] - low) / width);
    const to = from + width - 1;
    get(bins, from, () => ({ name: width > 1 ? `${from}–${to}` : String(from), query: { turns: `${from}..${to}` }, counts: [0, 0] })).counts[success[at] ? 1 : 0] += 1;
  }
  return [...bins.entries()].sort(([a], [b]) => a - b).map(([, bin]) => bin);
}

/**
 * The starts of `rows`, hardest first: [{seed, task, counts}]. If each was played once, the other checkpoints count too
 * (`everywhere`), but no reference policies.
 */
function seeds(table, rows) {
  const { seed, task, success, label } = table.columns;
  const starts = new Map();
  for (const at of rows) get(starts, table.startKey(at), () => []).push(at);
  const everywhere = starts.size === rows.length;
  const list = [...starts.values()].map((own) => {
    const all = everywhere ? table.sameStart(own[0]).filter((at) => at === own[0] || !isReference(label[at])) : own;
    const won = all.filter((at) => success[at]).length;
    return { seed: seed[own[0]], task: task[own[0]], counts: [all.length - won, won] };
  });
  const share = ({ counts: [lost, won] }) => won / (lost + won);
  list.sort((a, b) => share(a) - share(b) || b.counts[0] - a.counts[0] || a.seed - b.seed);
  return { everywhere, list };
}

/** The entries of a map of counts as a list, most frequent first. */
export function ranked(map) {
  return [...map.values()].sort((a, b) => b.count - a.count);
}

function add(map, name, query) {
  get(map, name, () => ({ name, query, count: 0 })).count += 1;
}

function pair(map, name) {
  return get(map, name, () => [0, 0]);
}

function get(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}
