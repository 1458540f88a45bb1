/** Why episodes of a selection fail: endings, actions, kinds, lengths, seeds, invalid replies and transcripts. */
import { html, useMemo, useRef } from "vendor/preact";
import { FILTERS, listQuery } from "viewer/filter";
import { Filters } from "viewer/filterbar";
import { count, percent, plural } from "viewer/format";
import { useKeys } from "viewer/keys";
import { usePage } from "viewer/page";
import { Empty, Outcome } from "viewer/parts";
import { ranked, reasons } from "viewer/reasons";
import { link, replace } from "viewer/route";
import { useRows } from "viewer/search";

const MOST = 10; // rows of a card
const MOST_FAILURES = 30;

/** The address of this view: the model after training, else all episodes. */
export function whyLink(table) {
  const after = [...table.values("label").keys()].find((label) => label.split("/").at(-1) === "after");
  return link("why", [], { label: after });
}

export function WhyView() {
  const { route, table, version } = usePage();
  const list = listQuery(route.query);
  const rows = useRows({ ...list, outcome: "" }); // shares of success need both outcomes
  const found = useMemo(() => reasons(table, rows), [rows, version]);
  const chosen = useRows({ ...list, sort: list.sort ?? "seed" }).filter((at) => !table.columns.success[at]);
  const search = useRef();
  useKeys({ "/": () => search.current?.focus() });
  const set = (changes) => replace(link("why", [], listQuery({ ...list, ...changes })));
  const to = (query) => link("episodes", [], { ...list, outcome: "failed", ...query });
  const { failed, episodes } = found;
  const single = found.lengths.length === 1 && found.lengths[0].name === "1"; // questions
  const sighted = found.sight.seen[0] + found.sight.seen[1] + found.sight.misseen[0] + found.sight.misseen[1] > 0;
  return html`<section class="why">
    <h1>Why do episodes fail?</h1>
    <${Filters} list=${list} set=${set} search=${search} />
    <p class="counts" role="status"><strong class="num">${count(failed.length)}</strong> of <span class="num">${plural(episodes, "episode")}</span> failed${episodes > 0 && html` (<span class="num">${percent(failed.length / episodes)}</span>)`}
      ${FILTERS.some((one) => list[one]) && html` <button class="plain" onClick=${() => replace(link("why"))}>Clear filters</button>`}
      <span class="deeds"><a class="button" href=${link("episodes", [], list)}>List these episodes</a></span></p>
    ${!episodes && html`<${Empty}>No episodes match these filters.<//>`}
    ${episodes > 0 && html`<div class="reasons">
      <${Card} title="How the failures ended" note="Share of the failures."><${Bars} rows=${ranked(found.endings)} of=${failed.length} to=${to} />
        ${found.events.size > 0 && html`<h3>Last event, as reported by the environment</h3><${Bars} rows=${ranked(found.events)} of=${failed.length} to=${to} />`}<//>
      ${sighted && html`<${Sight} found=${found} to=${to} />`}
      <${Card} title="Success by kind" note="Worst first. Click a kind to see its failures."><${Shares} rows=${[...found.kinds.values()].sort(worst)} sighted=${sighted} to=${to} /><//>
      <${Card} title=${single ? "Answers" : "Actions"} note="Share of all in failures and in successes."><${Twins} counts=${found.actions} totals=${found.played} to=${(action) => to({ action })} /><//>
      ${!single && html`<${Card} title="Last action" note="Share of the episodes that ended with it."><${Twins} counts=${found.last} totals=${[failed.length, episodes - failed.length]} to=${(last) => to({ last })} /><//>
      <${Card} title="Success by number of turns" note="Episodes with this number of turns."><${Shares} rows=${found.lengths} to=${to} /><//>`}
      <${Seeds} seeds=${found.seeds} to=${to} />
      <${Card} title="Invalid replies" note=${`${count(total(found.causes))} of ${plural(found.replies, "reply").replace("replys", "replies")} (${percent(total(found.causes) / Math.max(found.replies, 1))}), in failures and successes.`}><${Bars} rows=${ranked(found.causes)} of=${total(found.causes)} to=${(query) => to({ outcome: "", ...query })} none="Every reply was valid." /><//>
    </div>
    <${Failures} rows=${chosen} list=${list} />`}
  </section>`;
}

const total = (map) => [...map.values()].reduce((sum, one) => sum + one.count, 0);
const rate = ([lost, won]) => won / Math.max(lost + won, 1);
const worst = (a, b) => rate(a.counts) - rate(b.counts) || b.counts[0] - a.counts[0];

function Card({ title, note, children }) {
  return html`<section class="reason"><h2>${title}</h2>${note && html`<p class="soft">${note}</p>`}${children}</section>`;
}

function More({ left, noun }) {
  return left > 0 ? html`<p class="soft">and ${plural(left, noun)} more</p>` : null;
}

/** One bar for each row {name, query, count}, as a share of `of`. */
function Bars({ rows, of, to, none = "None." }) {
  if (!rows.length) return html`<p class="soft">${none}</p>`;
  return html`<table class="bars"><tbody>${rows.slice(0, MOST).map((row) => html`<tr>
    <th scope="row"><a dir="auto" href=${to(row.query)}>${row.name}</a></th>
    <td class="num">${count(row.count)}</td><td class="num soft">${percent(row.count / of)}</td>
    <td class="bar-cell"><i class="bad" style=${{ width: `${(100 * row.count) / of}%` }} /></td></tr>`)}</tbody></table>
    <${More} left=${rows.length - MOST} noun="other" />`;
}

/** Two bars for each name: its share in failures and in successes. The largest difference comes first. */
function Twins({ counts, totals, to }) {
  const share = (pair) => pair.map((value, side) => value / Math.max(totals[side], 1));
  const rows = [...counts].map(([name, pair]) => ({ name, pair, shares: share(pair) })).sort((a, b) => b.pair[0] + b.pair[1] - a.pair[0] - a.pair[1]);
  const most = Math.max(...rows.slice(0, MOST).flatMap((row) => row.shares), 1e-9);
  if (!rows.length) return html`<p class="soft">None.</p>`;
  return html`<p class="legend"><span class="entry"><i class="bad" />failures</span><span class="entry"><i class="good" />successes</span></p>
    <table class="bars twins"><tbody>${rows.slice(0, MOST).map(({ name, shares }) => html`<tr>
    <th scope="row"><a dir="auto" href=${to(name)}>${name}</a></th>
    <td class="num">${percent(shares[0])}</td><td class="num soft">${totals[1] ? percent(shares[1]) : "–"}</td>
    <td class="bar-cell">${shares.map((value, side) => html`<i class=${side ? "good" : "bad"} style=${{ width: `${(100 * value) / most}%` }} />`)}</td></tr>`)}</tbody></table>
    <${More} left=${rows.length - MOST} noun="other action" />`;
}

/** Success of each row {name, query, counts}. `sighted` adds how its failures divide into seeing and concluding. */
function Shares({ rows, to, sighted = false }) {
  const cell = ({ query, seen, misseen }, counts, value) => (seen[0] + seen[1] + misseen[0] + misseen[1] ? html`<td class="num"><a href=${to({ ...query, seen: value })}>${count(counts[0])}</a></td>` : html`<td class="num soft">–</td>`);
  return html`<table class=${sighted ? "bars sighted" : "bars"}><thead><tr><td></td><th scope="col">Episodes</th><th scope="col">Success</th>${!sighted && html`<td></td>`}${sighted && html`<th scope="col" title="Failures with a mistake in a transcript">Misread</th><th scope="col" title="Failures with every transcript right">Wrong conclusion</th>`}</tr></thead>
  <tbody>${rows.slice(0, 2 * MOST).map((row) => html`<tr>
    <th scope="row"><a dir="auto" href=${to(row.query)}>${row.name}</a></th>
    <td class="num soft">${count(row.counts[0] + row.counts[1])}</td><td class="num">${percent(rate(row.counts))}</td>
    ${!sighted && html`<td class="bar-cell"><i class="good" style=${{ width: `${100 * rate(row.counts)}%` }} /></td>`}
    ${sighted && [cell(row, row.misseen, "wrong"), cell(row, row.seen, "right")]}</tr>`)}</tbody></table>
    <${More} left=${rows.length - 2 * MOST} noun="other" />`;
}

/** Transcripts against the truth: misread, or read rightly and concluded wrongly. */
function Sight({ found, to }) {
  const { seen, misseen } = found.sight;
  const all = seen[0] + seen[1] + misseen[0] + misseen[1];
  const box = (name, words, value, query) => html`<td><a class=${`cell ${name}`} href=${to(query)}><strong class="num">${count(value)}</strong><span>${words}</span></a></td>`;
  return html`<${Card} title="Seeing or concluding?" note=${`Transcripts of ${plural(all, "episode")}, compared with the true ones. Read rightly: every transcript of the episode is without a mistake.`}>
    <table class="sight"><thead><tr><td></td><th scope="col">failed</th><th scope="col">succeeded</th></tr></thead><tbody>
      <tr><th scope="row">misread</th>${box("bad", "seen wrongly", misseen[0], { seen: "wrong" })}${box("plain", "seen wrongly, yet right", misseen[1], { seen: "wrong", outcome: "success" })}</tr>
      <tr><th scope="row">read rightly</th>${box("late", "concluded wrongly", seen[0], { seen: "right" })}${box("good", "both right", seen[1], { seen: "right", outcome: "success" })}</tr>
    </tbody></table>
    <h3>Misread most often (true → stated, in all of these episodes)</h3>
    <${Bars} rows=${ranked(found.misread)} of=${total(found.misread)} to=${(query) => to({ outcome: "", ...query })} none="Nothing was misread." />
  <//>`;
}

function Seeds({ seeds, to }) {
  const { everywhere, list } = seeds;
  const hard = list.filter((row) => row.counts[0]);
  const note = everywhere ? "Each was played once here, so all recorded checkpoints count." : "Starts with the smallest share of successes.";
  return html`<${Card} title="Hardest seeds" note=${note}>
    ${hard.length ? html`<table class="bars"><thead><tr><td></td><th scope="col">Successes</th><td></td></tr></thead><tbody>${hard.slice(0, MOST).map(({ seed, task, counts }) => html`<tr>
      <th scope="row"><a class="num" href=${to({ seed: String(seed), task, outcome: "", ...(everywhere ? { label: "" } : {}) })}>${seed}</a></th>
      <td class="num">${counts[1]} of ${counts[0] + counts[1]}</td><td class="bar-cell"><i class="good" style=${{ width: `${100 * rate(counts)}%` }} /></td></tr>`)}</tbody></table>
      <${More} left=${hard.length - MOST} noun="other seed" />` : html`<p class="soft">Every seed was solved.</p>`}
  <//>`;
}

/** The failures, each with the nearest success. */
function Failures({ rows, list }) {
  const { table, title } = usePage();
  const line = (at) => {
    const row = table.row(at);
    const near = table.nearestSuccess(at);
    return html`<tr><th scope="row"><a href=${link("episode", [row.id], list)}>#${row.id}</a></th>
      <td>${near == null ? html`<span class="soft">none recorded</span>` : html`<a href=${link("pair", [row.id, table.columns.id[near]], list)}>compare with #${table.columns.id[near]} (${title(table.columns.label[near])})</a>`}</td>
      <td><${Outcome} row=${row} /></td><td class="soft ending" dir="auto">${row.ending}</td><td class="num soft">${row.seed}</td></tr>`;
  };
  return html`<${Card} title="Failures and their nearest success" note="Same start, and the longest common beginning. Opens at the first turn where they part.">
    ${rows.length ? html`<div class="scroll"><table class="bars failures"><thead><tr><th scope="col">Failure</th><th scope="col">Nearest success</th><th scope="col">Outcome</th><th scope="col">Last event</th><th scope="col">Seed</th></tr></thead><tbody>${rows.slice(0, MOST_FAILURES).map(line)}</tbody></table></div>
    <${More} left=${rows.length - MOST_FAILURES} noun="other failure" />` : html`<p class="soft">No failures.</p>`}
  <//>`;
}
