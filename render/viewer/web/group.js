/** The episodes of one group side by side, which share a seed, with the best advantage first. */
import { html, useMemo } from "vendor/preact";
import { plural, points } from "viewer/format";
import { useKeys } from "viewer/keys";
import { usePage, useRecords } from "viewer/page";
import { Advantage, Empty, Frame, Outcome, Problem } from "viewer/parts";
import { Controls, ends, usePlayer } from "viewer/player";
import { go, groupParts, keep, link } from "viewer/route";
import { Action } from "viewer/turn";

const WIDEST = 340; // of a card, in pixels

export function GroupView() {
  const { route, table, version, title } = usePage();
  const [label, stage, step, task, group] = route.parts;
  const key = JSON.stringify([label, stage, Number(step), task, Number(group)]);
  const rows = useMemo(() => {
    const found = (table.groups.get(key) ?? []).map((at) => table.row(at));
    return found.sort((a, b) => (b.advantage ?? b.reward) - (a.advantage ?? a.reward) || a.id - b.id);
  }, [version, key]);
  const { answers } = useRecords(rows.map((row) => row.id));
  const records = new Map(answers.map((answer) => [answer.id, answer]));
  const lengths = answers.map(({ record }) => record?.turns.length ?? 0);
  const player = usePlayer(Math.max(...lengths, 1), Number.parseInt(route.query.turn, 10) - 1 || 0, answers.some(({ record }) => record && ends(record)), (at) => keep({ turn: at ? at + 1 : "" }));
  const [before, next] = useMemo(() => neighbours(table, key, label), [version, key]);
  const list = link("episodes", [], { label, task, step });
  useKeys({ n: () => next && go(next), p: () => before && go(before), u: () => go(list) });
  if (!rows.length) return html`<${Empty}>Group not found. <a href=${link("episodes")}>All episodes</a><//>`;
  const most = Math.max(...rows.map((row) => Math.abs(row.advantage ?? 0)));
  const mean = rows.reduce((sum, row) => sum + row.reward, 0) / rows.length;
  const spread = Math.sqrt(rows.reduce((sum, row) => sum + (row.reward - mean) ** 2, 0) / rows.length);
  const first = answers.find(({ record }) => record?.turns.length)?.record.turns[0];
  const question = first && !first.frame ? first.prompt : "";
  const seeds = [...new Set(rows.map((row) => row.seed))];
  return html`<section class="group">
    <nav class="list" aria-label="Groups"><a href=${list} title="Back to the list (u)">Episodes of this step</a> <${Step} to=${before}>‹ previous group<//> <${Step} to=${next}>next group ›<//></nav>
    <h1>Group ${group} <span class="soft">${task} · ${title(label)}${stage && ` · ${stage}`}${step >= 0 && ` · step ${step}`}</span></h1>
    <dl class="facts">
      <div><dt>Episodes</dt><dd class="num">${rows.length}</dd></div>
      <div><dt>Success</dt><dd class="num">${rows.filter((row) => row.success).length} of ${rows.length}</dd></div>
      <div><dt>Reward, mean ± std</dt><dd class="num">${points(mean)} ± ${points(spread)}</dd></div>
      <div><dt>Seed</dt><dd class="num">${seeds.join(", ")}</dd></div>
    </dl>
    ${question && html`<pre dir="auto" tabindex="0">${question}</pre>`}
    ${player.last > 0 && html`<div class="together"><${Controls} player=${player} /></div>`}
    <div class="cards" style=${{ maxWidth: `${Math.max(rows.length, 2) * WIDEST}px` }}>${rows.map((row) => html`<${Card} key=${row.id} row=${row} answer=${records.get(row.id)} at=${player.at} most=${most} />`)}</div>
  </section>`;
}

/** Links to the previous and next groups of the same policy that have several episodes. */
function neighbours(table, key, label) {
  const groups = [...table.groups].filter(([, rows]) => rows.length > 1 && table.columns.label[rows[0]] === label);
  const place = groups.findIndex(([other]) => other === key);
  return [-1, 1].map((step) => {
    const found = groups[place + step];
    return place >= 0 && found ? link("group", groupParts(table.row(found[1][0]))) : null;
  });
}

function Step({ to, children }) {
  return to ? html`<a class="button" href=${to}>${children}</a>` : html`<span class="button off">${children}</span>`;
}

/** One episode of several in step. A click opens it at the same turn. */
export function Card({ row, answer, at, most }) {
  const record = answer?.record;
  const turns = record?.turns ?? [];
  const turn = turns[Math.min(at, turns.length - 1)];
  const over = turns.length > 0 && at >= turns.length;
  return html`<a class=${`card ${over ? "over" : ""}`} href=${link("episode", [row.id], { turn: Math.min(at, Math.max(turns.length - 1, 0)) + 1 })}>
    <div class="top"><${Outcome} row=${row} /><span class="num" title="Reward">${points(row.reward)}</span></div>
    ${row.advantage != null && html`<${Advantage} value=${row.advantage} most=${most} />`}
    ${turn?.frame && html`<${Frame} turn=${over && record.final_frame ? { frame: record.final_frame } : turn} name=${`Episode ${row.id}, ${over ? "the end" : `turn ${at + 1}`}`} />`}
    ${record && !record.pictured && html`<p class="soft">frames not kept</p>`}
    ${answer?.error && html`<${Problem} text=${answer.error} />`}
    ${over && record.ending && html`<p class="action" dir="auto">${record.ending}</p>`}
    ${turn && !(over && record.ending) && html`<${Action} turn=${turn} short=${true} /><p class="thinking" dir="auto">${turn.thinking.slice(0, 600)}</p>`}
    <div class="foot soft"><span>#${row.id}</span><span class="num">${over ? `ended after ${plural(turns.length, "turn")}` : plural(row.turns, "turn")}</span></div>
  </a>`;
}
