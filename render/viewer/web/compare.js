/** Two policies on the same seeds: which seeds each solves, and the first turn where they differ. */
import { html, useMemo } from "vendor/preact";
import { colourOf } from "viewer/colours";
import { percent, plural, points } from "viewer/format";
import { useKeys } from "viewer/keys";
import { usePage, useRecords } from "viewer/page";
import { cell, chance, defaultLabels, firstDifference, pairs } from "viewer/pairs";
import { Dot, Empty, Frame, Outcome, Problem } from "viewer/parts";
import { Controls, Timeline, usePlayer } from "viewer/player";
import { link, replace } from "viewer/route";
import { Rows } from "viewer/rows";
import { Action } from "viewer/turn";

export function CompareView() {
  const { route, table, version, title } = usePage();
  const { query } = route;
  const usual = useMemo(() => defaultLabels(table), [version]);
  const [a, b] = [query.a || usual[0], query.b || usual[1]];
  const task = query.task ?? "";
  const all = useMemo(() => pairs(table, a, b, task), [version, a, b, task]);
  const rows = useMemo(() => (query.cell ? all.filter((pair) => cell(pair) === query.cell) : all), [all, query.cell]);
  const asked = query.pair ? (pair) => pairName(pair) === query.pair : (pair) => String(pair.a.seed) === query.seed; // links give the seed
  const place = Math.max(rows.findIndex(asked), 0);
  const pair = rows[place];
  const set = (changes) => replace(link("compare", [], { a, b, task, cell: query.cell, pair: pair && pairName(pair), ...changes }));
  const show = (at) => rows[at] && set({ pair: pairName(rows[at]) });
  useKeys({ n: () => show(place + 1), p: () => show(place - 1) });
  if (table.size && !b) return html`<h1>Compare</h1><${Empty}>Only one policy has recorded episodes here; a comparison needs two.<//>`;
  return html`<section class="compare">
    <h1>Compare</h1>
    <${Choices} a=${a} b=${b} task=${task} pair=${pair} set=${set} />
    ${!all.length && html`<${Empty}>${title(a)} and ${title(b)} have no seed in common${task && ` in ${task}`}.<//>`}
    ${all.length > 0 && html`<div class="overview">
      <${Matrix} all=${all} a=${a} b=${b} chosen=${query.cell ?? ""} set=${set} />
      <${Seeds} rows=${rows} version=${version} pair=${pair} show=${show} />
    </div>`}
    ${pair && html`<${Duel} key=${pairName(pair)} pair=${pair} />`}
  </section>`;
}

/** Name of a pair in the URL. */
function pairName({ a, b }) {
  return `${a.id}-${b.id}`;
}

function Choices({ a, b, task, pair, set }) {
  const { table, version, title } = usePage();
  const labels = useMemo(() => [...table.values("label").keys()], [version]);
  const tasks = useMemo(() => [...table.values("task").keys()], [version]);
  const choice = (words, value, all, change, every = null) => html`<label>${words}<select value=${value} onChange=${(event) => change(event.target.value)}>
    ${every && html`<option value="">${every}</option>`}
    ${(all.includes(value) || !value ? all : [value, ...all]).map((one) => html`<option value=${one}>${every ? one : title(one)}</option>`)}
  </select></label>`;
  return html`<form class="filters" onSubmit=${(event) => event.preventDefault()}>
    ${choice("A", a, labels, (value) => set({ a: value, cell: "", pair: "" }))}
    <button onClick=${() => set({ a: b, b: a, cell: "", pair: pair && pairName({ a: pair.b, b: pair.a }) })} aria-label="Swap A and B" title="Swap A and B">⇄</button>
    ${choice("B", b, labels, (value) => set({ b: value, cell: "", pair: "" }))}
    ${tasks.length > 1 && choice("Task", task, tasks, (value) => set({ task: value, cell: "", pair: "" }), "all")}
  </form>`;
}

/** The 2 × 2 table of outcomes, whose cells filter the seeds, and the test of the difference. */
function Matrix({ all, a, b, chosen, set }) {
  const { run, title } = usePage();
  const named = (label) => html`<${Dot} css=${colourOf(run.colours, label)} />${title(label)}`;
  const counts = { both: 0, a: 0, b: 0, neither: 0 };
  for (const pair of all) counts[cell(pair)] += 1;
  const [rateA, rateB] = [(counts.both + counts.a) / all.length, (counts.both + counts.b) / all.length];
  const likely = chance(counts.a, counts.b);
  const box = (name, words) => html`<td><button class=${name} aria-pressed=${chosen === name} onClick=${() => set({ cell: chosen === name ? "" : name, pair: "" })}>
    <strong class="num">${counts[name]}</strong><span>${words}</span></button></td>`;
  return html`<div class="matrix">
    <table aria-label="Success on the same seeds">
      <thead><tr><td></td><th scope="col">B succeeds</th><th scope="col">B fails</th></tr></thead>
      <tbody>
        <tr><th scope="row">A succeeds</th>${box("both", "both")}${box("a", "only A")}</tr>
        <tr><th scope="row">A fails</th>${box("b", "only B")}${box("neither", "neither")}</tr>
      </tbody>
    </table>
    <p><strong>A</strong> ${named(a)} <span class="num">${percent(rateA)}</span> · <strong>B</strong> ${named(b)} <span class="num">${percent(rateB)}</span> of ${plural(all.length, "seed")}.
      <br /><span class="soft">${counts.a + counts.b === 0 ? agreement(counts) : `If both policies were equally good, a split at least as uneven as ${counts.a} : ${counts.b} would have a probability of ${likely < 0.001 ? "less than 0.1%" : percent(likely)} (exact McNemar test).`}</span></p>
  </div>`;
}

/** Summary when no seed is solved by exactly one policy. */
function agreement({ both, neither }) {
  if (!both) return "Neither succeeds on any of these seeds.";
  return neither ? "Both succeed on the same seeds." : "Both succeed on every seed.";
}

function Seeds({ rows, version, pair, show }) {
  const keys = useMemo(() => rows.map((_, index) => index), [rows]);
  if (!rows.length) return html`<${Empty}>No seeds in this cell.<//>`;
  const tasks = new Set(rows.map((one) => one.a.task)).size > 1;
  const head = html`<th scope="col" class="num">Seed</th>${tasks && html`<th scope="col">Task</th>`}<th scope="col">A</th><th scope="col" class="num wide">Reward</th><th scope="col">B</th><th scope="col" class="num wide">Reward</th>`;
  const cells = (index) => {
    const { a, b } = rows[index];
    const now = rows[index] === pair ? "now" : "";
    return html`<td class=${`num ${now}`}>${a.seed}</td>${tasks && html`<td>${a.task}</td>`}<td><${Outcome} row=${a} /></td><td class="num wide">${points(a.reward)}</td><td><${Outcome} row=${b} /></td><td class="num wide">${points(b.reward)}</td>`;
  };
  return html`<${Rows} name="seeds" className="seeds" rows=${keys} version=${version} head=${head} cells=${cells} open=${show} />`;
}

/** Both episodes of a seed, played in step. */
function Duel({ pair }) {
  const { answers, again } = useRecords([pair.a.id, pair.b.id]);
  const [one, other] = answers;
  const problem = one?.error ?? other?.error;
  if (problem) return html`<${Problem} text=${problem} again=${again} />`;
  if (!one || !other) return null;
  return html`<${Sides} pair=${pair} records=${[one.record, other.record]} />`;
}

function Sides({ pair, records }) {
  const { run, title } = usePage();
  const length = Math.max(...records.map((record) => record.turns.length), 1);
  const player = usePlayer(length);
  const differs = useMemo(() => firstDifference(...records), records);
  const jump = () => differs !== null && player.seek(differs);
  useKeys({ d: jump });
  const side = (name, row, record) => {
    const turn = record.turns[Math.min(player.at, record.turns.length - 1)];
    const over = player.at >= record.turns.length;
    return html`<article class=${`side ${over ? "over" : ""}`} aria-label=${name}>
      <header><strong>${name}</strong> <a href=${link("episode", [row.id], { turn: player.at + 1 })}><${Dot} css=${colourOf(run.colours, row.label)} />${title(row.label)} #${row.id}</a> <${Outcome} row=${row} /> <span class="num" title="Reward">${points(row.reward)}</span></header>
      <div class=${turn?.frame ? "body" : ""}>
      ${turn?.frame && html`<${Frame} turn=${turn} name=${`${name}, turn ${player.at + 1}`} />`}
      <div>${turn && !turn.frame && html`<pre dir="auto">${turn.text || turn.prompt}</pre>`}${over && html`<p class="soft">ended after ${plural(record.turns.length, "turn")}</p>`}
      ${turn && html`<${Action} turn=${turn} /><p class="thinking" dir="auto">${turn.thinking}</p>`}
      ${record.problem && html`<p class="problem">${record.problem}</p>`}</div>
      </div>
      <${Timeline} turns=${record.turns} player=${player} differs=${differs} length=${length} />
    </article>`;
  };
  return html`<div class="duel">
    <div class="together"><${Controls} player=${player} />
      <p class="parting">${differs === null ? "Both take the same actions." : html`<button onClick=${jump} title="Go to this turn (d)">First difference: turn ${differs + 1}</button>`}
      ${differs !== null && player.at === differs && html` <span class="mark">they differ here</span>`}</p></div>
    <div class="sides">${side("A", pair.a, records[0])}${side("B", pair.b, records[1])}</div>
  </div>`;
}
