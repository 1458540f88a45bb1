/** Small components shared by several views. */
import { html, useState } from "vendor/preact";
import { outcome, points } from "viewer/format";

const SHARP_FROM = 2.5; // enlargement from which pixels are kept sharp; below it, sharp pixels look jagged
const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
  back: "M10.5 3 5.5 8l5 5z",
  on: "M5.5 3l5 5-5 5z",
  first: "M3.5 3h2v10h-2zM13 3 7 8l6 5z",
  last: "M10.5 3h2v10h-2zM3 3l6 5-6 5z",
  theme: "M8 1.5a6.5 6.5 0 1 0 0 13zM8 1.5a6.5 6.5 0 0 1 0 13v-1.2a5.3 5.3 0 0 0 0-10.6z",
};

/** A 16-pixel icon. Its button has the label. */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

/** Outcome of an episode. */
export function Outcome({ row }) {
  const { word, tone } = outcome(row.success, row.ended);
  return html`<span class=${`outcome ${tone}`}>${word}</span>`;
}

/** An advantage with a bar towards its sign. `most` is the absolute value of a full bar. */
export function Advantage({ value, most }) {
  if (value == null) return html`<span class="soft">–</span>`;
  const share = most > 0 ? Math.min(Math.abs(value) / most, 1) * 50 : 0;
  const style = { width: `${share}%`, left: value < 0 ? `${50 - share}%` : "50%" };
  return html`<span class="advantage"><span class="diverging"><i class=${value < 0 ? "bad" : "good"} style=${style} /></span><span class="num">${points(value, true)}</span></span>`;
}

/** A one-line error message with an optional retry button. */
export function Problem({ text, again }) {
  return html`<p class="problem" role="alert">${text} ${again && html`<button onClick=${again}>Try again</button>`}</p>`;
}

/** The images of a turn, or a message if one is missing. */
export function Frame({ turn, name }) {
  const more = turn?.more_frames ?? [];
  if (!more.length) return html`<${Picture} url=${turn?.frame} name=${name} />`;
  const urls = [turn.frame, ...more];
  return html`<div class="frames">
    ${urls.map((url, index) => html`<${Picture} key=${index} url=${url} name=${`${name}, image ${index + 1} of ${urls.length}`} />`)}
  </div>`;
}

/** One image, or a message if it is missing. */
function Picture({ url, name }) {
  const [broken, setBroken] = useState(null);
  if (!url) return html`<div class="frame none"><span>no image</span></div>`;
  if (broken === url) return html`<div class="frame none"><span>image not found</span></div>`;
  const fit = ({ target }) => {
    document.documentElement.style.setProperty("--ratio", target.naturalWidth / target.naturalHeight);
    target.classList.toggle("pixels", target.naturalWidth * SHARP_FROM <= target.clientWidth * devicePixelRatio);
  };
  return html`<div class="frame"><img src=${url} alt=${name} onLoad=${fit} onError=${() => setBroken(url)} /></div>`;
}

/** A dot in the colour of a run or policy. */
export function Dot({ css }) {
  return css && html`<i class="dot" style=${{ background: css }} aria-hidden="true" />`;
}

/** A message in place of missing content. */
export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}
