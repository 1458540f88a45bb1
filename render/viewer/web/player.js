/** Playback of the turns of an episode: position, timer, keys and controls. */
import { html, useEffect, useLayoutEffect, useState } from "vendor/preact";
import { useKeys } from "viewer/keys";
import { Icon } from "viewer/parts";

const SPEEDS = [0.5, 1, 2, 4, 8, 16];
let lastSpeed = 2;

/** True if a record tells how it ended, which is one more place after its turns. */
export function ends(record) {
  return Boolean(record.final_frame || record.final_text || record.ending);
}

/**
 * A player of `length` turns that starts at turn `start` (counted from 0). `end` adds a place after the last turn.
 * `note(place)`: called when the place changes while it is not playing.
 */
export function usePlayer(length, start = 0, end = false, note = null) {
  const [place, setPlace] = useState(start);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(lastSpeed);
  const last = Math.max(length - (end ? 0 : 1), 0);
  useLayoutEffect(() => setPlace(start), [start]); // a link to another turn of the same episode
  const at = Math.min(Math.max(place, 0), last);
  useEffect(() => {
    if (!playing) return undefined;
    if (at >= last) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(() => setPlace(at + 1), 1000 / speed);
    return () => clearTimeout(timer);
  }, [playing, at, last, speed]);
  useEffect(() => {
    if (note && !playing) note(at);
  }, [at, playing]);
  const seek = (turn) => {
    setPlaying(false);
    setPlace(Math.min(Math.max(turn, 0), last));
  };
  const toggle = () => {
    if (!playing && at >= last) setPlace(0);
    setPlaying(!playing && last > 0);
  };
  const pace = (step) => {
    lastSpeed = SPEEDS[Math.min(Math.max(SPEEDS.indexOf(speed) + step, 0), SPEEDS.length - 1)];
    setSpeed(lastSpeed);
  };
  useKeys({
    " ": toggle,
    ArrowLeft: () => seek(at - 1),
    ArrowRight: () => seek(at + 1),
    Home: () => seek(0),
    End: () => seek(last),
    "<": () => pace(-1),
    ">": () => pace(1),
  });
  return { at, last, length, playing, speed, seek, toggle, pace };
}

/** Playback buttons, a slider and the speed. */
export function Controls({ player }) {
  const { at, last, length, playing, speed, seek, toggle, pace } = player;
  const words = at < length ? `${at + 1} / ${length}` : "end";
  const button = (icon, label, act, off = false) =>
    html`<button class="round" aria-label=${label} title=${label} disabled=${off} onClick=${act}><${Icon} name=${icon} /></button>`;
  return html`<div class="controls" role="group" aria-label="Playback">
    ${button("first", "First turn (Home)", () => seek(0), at === 0)}
    ${button("back", "Previous turn (←)", () => seek(at - 1), at === 0)}
    ${button(playing ? "pause" : "play", playing ? "Pause (space)" : "Play (space)", toggle, last === 0)}
    ${button("on", "Next turn (→)", () => seek(at + 1), at === last)}
    ${button("last", "Last turn (End)", () => seek(last), at === last)}
    <input type="range" min="0" max=${last} value=${at} aria-label="Turn" aria-valuetext=${at < length ? `turn ${at + 1} of ${length}` : "the end"} onInput=${(event) => seek(Number(event.target.value))} />
    <output class="num">${words}</output>
    <button class="speed num" aria-label=${`Speed: ${speed} turns per second; click to change`} title="Turns per second (< >)" onClick=${() => (speed === SPEEDS.at(-1) ? pace(-SPEEDS.length) : pace(1))}>${speed}×</button>
  </div>`;
}

/** One column per turn with its reward, invalid replies marked. A click goes to the turn. `length`: column count. */
export function Timeline({ turns, player, differs = null, length = turns.length }) {
  if (length < 2) return null;
  const places = Math.max(length, player.last + 1);
  const low = Math.min(0, ...turns.map((turn) => turn.reward));
  const high = Math.max(1, ...turns.map((turn) => turn.reward)); // keeps the bars of small rewards small
  const place = (reward) => 19 - (18 * (reward - low)) / (high - low);
  const column = (turn, index) => {
    const tone = `${turn.valid ? "" : "invalid"} ${index === player.at ? "now" : ""} ${index === differs ? "differs" : ""}`;
    return html`<g class=${tone}>
      <rect class="slot" x=${index} y="0" width="1" height="20" />
      <rect class=${turn.reward < 0 ? "bad" : "good"} x=${index + 0.15} width="0.7" y=${place(Math.max(turn.reward, 0))} height=${Math.abs(place(turn.reward) - place(0))} />
    </g>`;
  };
  const click = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    player.seek(Math.floor(((event.clientX - box.left) / box.width) * places));
  };
  return html`<svg class="timeline" viewBox=${`0 0 ${places} 20`} preserveAspectRatio="none" aria-hidden="true" style=${{ maxWidth: `${places * 40}px` }} onClick=${click}>${turns.map(column)}
    ${places > length && html`<g class=${player.at === length ? "now" : ""}><rect class="slot" x=${length} y="0" width="1" height="20" /></g>`}</svg>`;
}
