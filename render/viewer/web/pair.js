/** A failure next to the nearest success, in step, from the first turn where they part; or both seats of a match. */
import { html, useMemo } from "vendor/preact";
import { listQuery } from "viewer/filter";
import { Card } from "viewer/group";
import { useKeys } from "viewer/keys";
import { usePage, useRecords } from "viewer/page";
import { firstDifference } from "viewer/pairs";
import { Empty, Problem } from "viewer/parts";
import { Controls, Timeline, ends, usePlayer } from "viewer/player";
import { go, keep, link } from "viewer/route";
import { useRows } from "viewer/search";

export function PairView() {
  const { route, table, title } = usePage();
  const list = listQuery(route.query);
  const rows = [0, 1].map((place) => table.find(Number(route.parts[place])));
  const failures = useRows({ ...list, outcome: list.outcome || "failed", sort: list.sort ?? "seed" });
  const around = useMemo(() => {
    const pairs = failures.filter((at) => !table.columns.success[at]);
    const place = pairs.indexOf(rows[0]?.at);
    const near = (step) => {
      for (let at = place + step; place >= 0 && at >= 0 && at < pairs.length; at += step) {
        const other = table.nearestSuccess(pairs[at]);
        if (other != null) return link("pair", [table.columns.id[pairs[at]], table.columns.id[other]], list);
      }
      return null;
    };
    return [near(-1), near(1)];
  }, [failures, rows[0]?.id]);
  const back = link("why", [], list);
  useKeys({ n: () => around[1] && go(around[1]), p: () => around[0] && go(around[0]), u: () => go(back) });
  const { answers, again } = useRecords(rows.filter(Boolean).map((row) => row.id));
  if (!rows[0] || !rows[1]) return table.size ? html`<${Empty}>Episode not found. <a href=${back}>Back to the reasons</a><//>` : null;
  const problem = answers.find((answer) => answer.error);
  const records = rows.map((row) => answers.find((answer) => answer.id === row.id)?.record);
  const step = (to, words) => (to ? html`<a class="button" href=${to}>${words}</a>` : html`<span class="button off">${words}</span>`);
  return html`<section class="pair">
    <nav class="list" aria-label="Failures"><a href=${back} title="Back to the reasons (u)">Why do episodes fail?</a> ${step(around[0], "‹ previous failure")} ${step(around[1], "next failure ›")}</nav>
    <h1>${sameMatch(rows) ? "Both seats of the match" : "Where they part"} <span class="soft">${rows[0].task} ${rows[0].kind} · seed ${rows[0].seed} · ${title(rows[0].label)}${rows[0].label !== rows[1].label && ` and ${title(rows[1].label)}`}</span></h1>
    ${problem && html`<${Problem} text=${`Episode ${problem.id}: ${problem.error}`} again=${again} />`}
    ${records[0] && records[1] && html`<${Both} key=${rows.map((row) => row.id).join()} rows=${rows} records=${records} />`}
  </section>`;
}

function sameMatch(rows) {
  return Boolean(rows[0].match) && rows[0].match === rows[1].match;
}

function Both({ rows, records }) {
  const { route } = usePage();
  const seats = sameMatch(rows);
  const differs = useMemo(() => (seats ? null : firstDifference(...records)), records);
  const length = Math.max(...records.map((record) => record.turns.length), 1);
  const asked = Number.parseInt(route.query.turn, 10) - 1;
  const player = usePlayer(length, Number.isFinite(asked) ? asked : (differs ?? 0), records.some(ends), (at) => keep({ turn: at + 1 }));
  const jump = () => differs !== null && player.seek(differs);
  useKeys({ d: jump });
  return html`<div class="together"><${Controls} player=${player} />
      <p class="parting">${seats ? "The same turn of both seats, each with its own view." : differs === null ? "Both take the same actions: chance in the environment decides, or the reasoning." : html`<button onClick=${jump} title="Go to this turn (d)">First difference: turn ${differs + 1}</button>`}
      ${differs !== null && player.at === differs && html` <span class="mark">they differ here</span>`}</p></div>
    <div class="cards two">${rows.map((row, side) => html`<div><${Card} row=${row} answer=${{ record: records[side] }} at=${player.at} most=${1} />
      <${Timeline} turns=${records[side].turns} player=${player} differs=${differs} length=${length} /></div>`)}</div>`;
}
