/** The reply by token, coloured by log-prob, entropy or advantage, and the likely answers of a turn. */
import { html, useState } from "vendor/preact";
import { number, percent, points } from "viewer/format";
import { keep } from "viewer/route";

const MEASURES = [["logprob", "log-prob"], ["entropy", "entropy"], ["advantage", "advantage"]];
const UNLIKELY = 5; // nats: a token with a probability below 0.7% has the full colour

/** The measure of each token of a turn, its scale and its legend. */
function measured(turn, measure) {
  if (measure === "entropy") {
    const most = Math.max(...turn.entropies, 1);
    return { values: turn.entropies, tone: "late", share: (value) => value / most, legend: ["0 nats: one choice", `${number(most)} nats: many choices`] };
  }
  if (measure === "advantage") {
    const most = Math.max(Math.abs(turn.advantage ?? 0), 1);
    const tone = turn.advantage < 0 ? "bad" : "good";
    return { values: turn.tokens.map(() => turn.advantage), tone, share: (value) => Math.abs(value) / most, legend: ["0", `${points((tone === "bad" ? -1 : 1) * most, true)}: ${tone === "bad" ? "made less likely" : "made more likely"}`] };
  }
  return { values: turn.logprobs, tone: "bad", share: (value) => Math.min(-value / UNLIKELY, 1), legend: ["0: certain", `−${UNLIKELY} or less: a surprise`] };
}

/** The tokens of a turn with a switch between the measures. `measure` is the chosen one. */
export function Tokens({ turn, measure, choose }) {
  const [picked, pick] = useState(null);
  if (!turn.tokens.length) return html`<h3>Tokens</h3><p class="soft">Not recorded: the policy has no tokens, its engine returns text, or the record is older.</p>`;
  const there = { logprob: turn.logprobs.length > 0, entropy: turn.entropies.length > 0, advantage: turn.advantage != null };
  const now = there[measure] ? measure : MEASURES.find(([name]) => there[name])?.[0];
  const { values, tone, share, legend } = measured(turn, now);
  const words = (at) => [
    `log-prob ${points(turn.logprobs[at])} (${percent(Math.exp(turn.logprobs[at]))})`,
    there.entropy && `entropy ${points(turn.entropies[at])} nats`,
    there.advantage && `advantage ${points(turn.advantage, true)}`,
  ].filter(Boolean).join(", ");
  const at = picked === null ? null : Math.min(picked, turn.tokens.length - 1);
  const keys = ({ key }) => {
    const to = { ArrowLeft: (at ?? 1) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: turn.tokens.length - 1 }[key];
    if (to !== undefined) pick(Math.min(Math.max(to, 0), turn.tokens.length - 1));
  };
  const set = (name) => {
    choose(name);
    keep({ tokens: name === "logprob" ? "" : name });
  };
  return html`<h3>Tokens</h3>
    <div class="measures" role="group" aria-label="Colour of the tokens">${MEASURES.map(([name, title]) => html`<button aria-pressed=${now === name} disabled=${!there[name]} title=${there[name] ? `Colour by ${title}` : "Not recorded for this turn"} onClick=${() => set(name)}>${title}</button>`)}</div>
    <p class=${`tokens ${tone}`} dir="auto" tabindex="0" aria-label="Reply by token. Left and right move between tokens." onKeyDown=${keys} onClick=${(event) => event.target.dataset.at && pick(Number(event.target.dataset.at))}>
      ${turn.tokens.map((text, place) => html`<span key=${place} data-at=${place} class=${`${text ? "" : "end"} ${place === at ? "picked" : ""}`} title=${words(place)} style=${{ "--much": `${Math.round(100 * share(values[place] ?? 0))}%` }}>${shown(text, place === turn.tokens.length - 1)}</span>`)}</p>
    <p class="scale"><span>${legend[0]}</span><i class=${tone} /><span>${legend[1]}</span></p>
    ${now === "advantage" && html`<p class="soft">Every token of a turn has the advantage of the turn.</p>`}
    <p class="soft num" role="status">${at === null ? (there.entropy ? "Click a token for its numbers." : "Click a token for its numbers. The engine gives no entropy.") : html`Token ${at + 1} of ${turn.tokens.length}: ${words(at)}`}</p>`;
}

/** Text of a token with its line ends and the end token made visible. */
function shown(text, last) {
  return text === "" ? (last ? "end" : "·") : text.replaceAll("\n", "↵\n");
}

/** The likely answers of a turn with their probabilities; the given one is marked. */
export function Answers({ turn }) {
  if (!turn.answers.length) return null;
  return html`<h3 title="From the most likely tokens at each token of the answer">Likely answers</h3>
    <table class="bars answers"><tbody>${turn.answers.map(([text, probability], place) => html`<tr>
      <th scope="row" dir="auto">${text}</th><td class="num">${probability < 0.001 ? "<0.1%" : percent(probability)}</td>
      <td class="bar-cell"><i class=${place ? "other" : "good"} style=${{ width: `${100 * probability}%` }} /></td><td class="soft">${place ? "" : "given"}</td></tr>`)}</tbody></table>
    ${turn.answers.some(([text]) => text.endsWith("…")) && html`<p class="soft">…: up to the first token that differs; several answers begin so.</p>`}`;
}
