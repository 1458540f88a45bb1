/** One episode: the image, the details of the turn, and links to related episodes. */
import { html, useEffect, useRef, useState } from "vendor/preact";
import { listQuery } from "viewer/filter";
import { plural, points } from "viewer/format";
import { useKeys } from "viewer/keys";
import { Marks } from "viewer/marks";
import { usePage, useRecords } from "viewer/page";
import { Advantage, Empty, Frame, Outcome, Problem } from "viewer/parts";
import { Controls, Timeline, ends, usePlayer } from "viewer/player";
import { go, groupParts, keep, link } from "viewer/route";
import { useRows } from "viewer/search";
import { End, Turn } from "viewer/turn";

export function EpisodeView() {
  const { route, table } = usePage();
  const id = Number(route.parts[0]);
  const { answers, again } = useRecords([id]);
  const [open, setOpen] = useState({ tokens: route.query.tokens });
  const row = table.find(id);
  const fold = (name, value) => setOpen((before) => ({ ...before, [name]: value }));
  const answer = answers[0];
  if (!row && table.size) return html`<${Empty}>Episode ${route.parts[0]} not found. <a href=${link("episodes")}>All episodes</a><//>`;
  return html`<article class="episode">
    ${row && html`<${Head} row=${row} />`}
    ${answer?.error && html`<${Problem} text=${`Episode ${answer.id}: ${answer.error}`} again=${again} />`}
    ${answer?.record && html`<${Playing} key=${answer.id} row=${row} record=${answer.record} open=${open} fold=${fold} />`}
  </article>`;
}

/** Facts about the episode and links to its neighbours: in the list, in its group, on the same seed. */
function Head({ row }) {
  const { table, route, title } = usePage();
  const [said, setSaid] = useState({}); // {id, words}: the message is shown only for the episode with this id
  const say = (words) => setSaid({ id: row.id, words });
  const list = listQuery(route.query);
  const rows = useRows(list);
  const place = rows.indexOf(row.at);
  const beside = (step) => (place >= 0 && rows[place + step] !== undefined ? table.columns.id[rows[place + step]] : null);
  const [before, next] = [beside(-1), beside(1)];
  const group = table.group(row.at);
  const groupLink = group.length > 1 ? link("group", groupParts(row)) : null;
  const others = otherPlayers(table, row);
  const near = row.success ? null : table.nearestSuccess(row.at);
  const seat = table.otherSeat(row.at);
  const nearest = near === null ? null : link("pair", [row.id, table.columns.id[near]], list);
  const open = (id) => id !== null && go(link("episode", [id], list));
  useKeys({
    n: () => open(next),
    p: () => open(before),
    u: () => go(link("episodes", [], list)),
    g: () => (groupLink ? go(groupLink) : say("This episode is not in a group: its seed was played once.")),
    f: () => (nearest ? go(nearest) : say(row.success ? "This episode is a success." : "No success with this start is recorded.")),
    c: () => (others.length ? go(others[0].link) : say("No other policy has an episode with this seed.")),
  });
  const step = (id, words) => (id === null ? html`<span class="button off">${words}</span>` : html`<a class="button" href=${link("episode", [id], list)}>${words}</a>`);
  return html`<header class="head">
    <nav class="list" aria-label="Episode list">
      <a href=${link("episodes", [], list)} title="Back to the list (u)">Episodes</a>
      ${step(before, "‹ previous")} ${step(next, "next ›")}
      ${place >= 0 && html`<span class="soft num">${place + 1} of ${rows.length}</span>`}
    </nav>
    <h1><span class="soft">#${row.id}</span> ${row.task}${row.kind && html` <span class="kind">${row.kind}</span>`} <${Outcome} row=${row} /></h1>
    <dl class="facts">
      <div><dt>Policy</dt><dd>${title(row.label)}</dd></div>
      ${row.stage && html`<div><dt>Stage</dt><dd>${row.stage}</dd></div>`}
      ${row.step >= 0 && html`<div><dt>Step</dt><dd class="num">${row.step}</dd></div>`}
      <div><dt>Seed</dt><dd class="num">${row.seed}</dd></div>
      <div><dt>Turns</dt><dd class="num">${row.turns}</dd></div>
      <div><dt>Reward</dt><dd class="num">${points(row.reward)}</dd></div>
      ${row.advantage != null && html`<div><dt>Advantage</dt><dd><${Advantage} value=${row.advantage} most=${Math.max(...group.map((at) => Math.abs(table.columns.advantage[at] ?? 0)))} /></dd></div>`}
      ${row.score != null && html`<div><dt>Score</dt><dd class="num">${points(row.score)}</dd></div>`}
    </dl>
    <p class="ways">
      ${groupLink && html`<a href=${groupLink} title="Show the group side by side (g)">Group of ${group.length}</a>`}
      ${seat !== null && html`<a href=${link("pair", [row.id, table.columns.id[seat]], list)} title="Play both seats of the match side by side">Other seat</a>`}
      ${nearest && html`<a href=${nearest} title="Compare with the success that shares the longest beginning (f)">Nearest success</a>`}
      ${others.map((other) => html`<a href=${other.link} title="Compare on the same seed (c)">Compare with ${title(other.label)}</a>`)}
      <span class="soft" role="status">${said.id === row.id && said.words}</span>
    </p>
    <${Marks} key=${row.id} id=${row.id} />
  </header>`;
}

function otherPlayers(table, row) {
  const labels = new Map();
  for (const at of table.sameStart(row.at)) {
    const label = table.columns.label[at];
    if (label !== row.label) labels.set(label, label);
  }
  return [...labels.keys()].map((label) => {
    const [a, b] = label === "before" ? [label, row.label] : [row.label, label];
    return { label, link: link("compare", [], { a, b, task: row.task, seed: row.seed }) };
  });
}

function Playing({ row, record, open, fold }) {
  const { route } = usePage();
  const { turns } = record;
  const end = turns.length > 0 && ends(record);
  const player = usePlayer(turns.length, Number.parseInt(route.query.turn, 10) - 1 || 0, end, (at) => keep({ turn: at ? at + 1 : "" }));
  const over = player.at >= turns.length;
  const shown = over ? { frame: record.final_frame ?? turns.at(-1)?.frame } : turns[player.at];
  const pictured = turns.some((turn) => turn.frame);
  useKeys({ r: () => fold("reply", !(open.reply ?? !turns[player.at]?.valid)) });
  useEffect(() => {
    for (const turn of turns.slice(player.at + 1, player.at + 4)) if (turn.frame) new Image().src = turn.frame;
  }, [player.at, turns]);
  if (!turns.length) return html`<${Empty}>No turns were played${record.problem ? `: ${record.problem}` : ""}.<//>`;
  return html`<div class=${`playing ${pictured ? "" : "words"}`}>
    ${(pictured || player.last > 0 || record.problem) && html`<div class="screen">
      ${pictured && html`<${Frame} turn=${shown} name=${over ? "Image after the last reply" : `Image given to the model in turn ${player.at + 1}`} />`}
      ${player.last > 0 && html`<${Controls} player=${player} /><${Timeline} turns=${turns} player=${player} />`}
      ${pictured && turns.length > 1 && html`<${Strip} record=${record} end=${end} player=${player} />`}
      ${record.problem && html`<p class="problem">${record.problem}</p>`}
      ${!record.pictured && html`<p class="soft">The frames of this episode were not kept: failures come first (<code>evaluation.records</code>).</p>`}
    </div>`}
    ${over ? html`<${End} row=${row} record=${record} />` : html`<${Turn} record=${record} at=${player.at} open=${open} fold=${fold} />`}
  </div>`;
}

/** Thumbnails of the turns, scrolled to keep the current one visible. */
function Strip({ record, end, player }) {
  const turns = end ? [...record.turns, { frame: record.final_frame, valid: true }] : record.turns;
  const strip = useRef();
  useEffect(() => {
    const now = strip.current.children[player.at];
    const centre = () => (strip.current.scrollLeft = now.offsetLeft - (strip.current.clientWidth - now.clientWidth) / 2);
    const watch = new ResizeObserver(centre); // widths are known once the first image has loaded
    watch.observe(now);
    return () => watch.disconnect();
  }, [player.at]);
  const thumb = (turn, index) => html`<button class=${turn.valid ? "" : "invalid"} aria-label=${index < record.turns.length ? `Turn ${index + 1}` : "The end"} aria-current=${index === player.at} onClick=${() => player.seek(index)}>
    ${turn.frame ? html`<img src=${turn.frame} alt="" loading="lazy" />` : html`<span>${index < record.turns.length ? "–" : "end"}</span>`}
  </button>`;
  return html`<div class="strip" ref=${strip} aria-label=${plural(record.turns.length, "turn")}>${turns.map(thumb)}</div>`;
}
