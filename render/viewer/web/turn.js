/** Details of one turn: action, thinking, reward and its parts, text observation, prompt and raw reply. */
import { html } from "vendor/preact";
import { cut, percent, plural, points } from "viewer/format";
import { Outcome } from "viewer/parts";
import { Answers, Tokens } from "viewer/tokens";

const FORM = /^\s*<think>[\s\S]*<\/think>\s*<answer>[\s\S]*<\/answer>\s*$/;

const BOARD = /^\S{3,}$[^]*\n|\n\S{3,}$/m;

/** The reason why a reply is invalid, as far as its text shows. */
export function whyInvalid(turn) {
  if (turn.valid) return "";
  if (turn.problem) return `invalid: ${turn.problem}`;
  return FORM.test(turn.reply)
    ? "invalid: the answer is not an allowed action"
    : "invalid: the reply is not <think>…</think><answer>…</answer>";
}

/** The action as a headline, or the reason why the reply is invalid. */
export function Action({ turn, short = false }) {
  if (!turn.valid) return html`<p class="action invalid">${short ? "invalid" : whyInvalid(turn)}</p>`;
  return html`<p class="action" dir="auto">${cut(turn.action, short ? 120 : 2000) || "–"}</p>`;
}

/** The cumulative reward at each turn. */
export function runningSums(turns) {
  let sum = 0;
  return turns.map((turn) => (sum += turn.reward));
}

/** How an episode ended: the last event, the state after it, and the rewards. */
export function End({ row, record }) {
  return html`<section class="turn" aria-label="The end">
    <h3>How it ended</h3>
    <p class="action"><${Outcome} row=${row} /> <span dir="auto">${record.ending}</span></p>
    <h3>Reward of the episode</h3>
    <dl class="chips"><div class="whole"><dt>total</dt><dd class="num">${points(record.reward)}</dd></div>
      ${Object.entries(record.rewards).map(([name, value]) => html`<div><dt>${name}</dt><dd class="num">${points(value)}</dd></div>`)}</dl>
    ${record.final_text && html`<h3>State after the last reply</h3><p class=${`caption ${BOARD.test(record.final_text) ? "board" : ""}`} dir="auto">${record.final_text}</p>`}
  </section>`;
}

/** The transcript of a reply compared with the true one. */
function Transcript({ turn }) {
  const right = turn.transcript === 1;
  return html`<h3>Transcript</h3>
    <p><span class=${`outcome ${right ? "good" : "bad"}`}>${right ? "read rightly" : `${percent(turn.transcript)} right`}</span> <span class="soft">true:</span> <code dir="auto">${turn.truth}</code></p>
    ${turn.misread.length > 0 && html`<dl class="chips misread">${turn.misread.map(([truth, stated]) => html`<div><dt>${truth || "∅"}</dt><dd>→ ${stated || "∅"}</dd></div>`)}</dl>`}`;
}

/** Turn `at` of a record. `open` holds the open sections. `fold(name, value)` opens or closes one. */
export function Turn({ record, at, open, fold }) {
  const turn = record.turns[at];
  const same = at > 0 && record.turns[at - 1].prompt === turn.prompt;
  const pictured = record.turns.some((one) => one.frame);
  const asked = open.prompt ?? !pictured;
  return html`<section class="turn" aria-label=${`Turn ${at + 1}`}>
    ${!pictured && html`<${Fold} name="prompt" title=${`Prompt${same ? " (unchanged)" : ""}`} text=${turn.prompt} open=${asked} fold=${fold} />`}
    <h3>Action</h3>
    <${Action} turn=${turn} />
    <h3>Thinking</h3>
    <p class="thinking" dir="auto">${turn.thinking || html`<span class="soft">none</span>`}</p>
    ${turn.truth != null && html`<${Transcript} turn=${turn} />`}
    <${Answers} turn=${turn} />
    <${Rewards} record=${record} at=${at} />
    <${Tokens} turn=${turn} measure=${open.tokens ?? "logprob"} choose=${(name) => fold("tokens", name)} />
    ${turn.text && turn.text !== turn.prompt && html`<h3>Text observation</h3><p class=${`caption ${BOARD.test(turn.text) ? "board" : ""}`} dir="auto">${turn.text}</p>`}
    ${pictured && html`<${Fold} name="prompt" title=${`Prompt${same ? " (unchanged)" : ""}`} text=${turn.prompt} open=${asked} fold=${fold} />`}
    <${Fold} name="reply" title=${`Raw reply${turn.reply_tokens ? ` (${plural(turn.reply_tokens, "token")})` : ""}`} text=${turn.reply} open=${open.reply ?? !turn.valid} fold=${fold} />
  </section>`;
}

function Fold({ name, title, text, open, fold }) {
  return html`<div class="fold">
    <button aria-expanded=${open} onClick=${() => fold(name, !open)}>${title}</button>
    ${open && html`<pre dir="auto" data-name=${name} tabindex="0">${text}</pre>`}
  </div>`;
}

/** The reward of the turn with its parts, and the cumulative reward of the episode. */
function Rewards({ record, at }) {
  const turn = record.turns[at];
  const sums = runningSums(record.turns);
  const low = Math.min(0, ...sums);
  const high = Math.max(1, ...sums); // keeps the bars of small rewards small
  const place = (value) => (100 * (value - low)) / (high - low);
  const [zero, now] = [place(0), place(sums[at])];
  const bar = { left: `${Math.min(zero, now)}%`, width: `${Math.abs(now - zero)}%` };
  return html`<h3>Reward</h3>
    <dl class="chips">
      <div class="whole"><dt>this turn</dt><dd class="num">${points(turn.reward, true)}</dd></div>
      ${Object.entries(turn.rewards).map(([name, value]) => html`<div><dt>${name}</dt><dd class="num">${points(value, true)}</dd></div>`)}
      ${turn.advantage != null && html`<div class="whole"><dt>advantage</dt><dd class="num">${points(turn.advantage, true)}</dd></div>`}
    </dl>
    <div class="sum"><span class="track"><i class=${sums[at] < 0 ? "bad" : "good"} style=${bar} /></span>
      <span class="num">${points(sums[at])} of ${points(record.reward)}</span></div>`;
}
