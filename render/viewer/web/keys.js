/** Keyboard handling: components register their keys, and the most recent registration wins. */
import { useLayoutEffect, useRef } from "vendor/preact";

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
/** Keys that an element handles itself. */
const OWN = [
  ["input[type=range]", ARROWS],
  ["input[type=checkbox]", [" "]],
  ["input, select, textarea", "all"],
  ["video", [" ", ...ARROWS]],
  [".tokens", ["ArrowLeft", "ArrowRight", "Home", "End"]],
  [".plot", ["Enter", "ArrowLeft", "ArrowRight"]],
  ["a", ["Enter"]],
  ["button, summary", ["Enter", " "]],
];
const layers = [];

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]") && !["Escape", "?"].includes(event.key)) return;
  const own = OWN.find(([selector]) => event.target.closest?.(selector))?.[1];
  if (own === "all" && event.key === "Escape") event.target.blur();
  if (own === "all" || own?.includes(event.key)) return;
  for (const layer of [...layers].reverse()) {
    const act = layer.current?.[event.key];
    if (act) {
      event.preventDefault();
      act();
      return;
    }
  }
});

/** Handle keys while a component is mounted: {key: function}. */
export function useKeys(actions) {
  const layer = useRef(actions);
  layer.current = actions;
  useLayoutEffect(() => {
    layers.push(layer);
    return () => layers.splice(layers.indexOf(layer), 1);
  }, []);
}

/** Content of the shortcut list: [[where, [[keys, action], …]], …]. */
export const HELP = [
  ["Everywhere", [["1 2 3 4", "run, episodes, why, compare"], ["t", "toggle dark or light theme"], ["?", "show these shortcuts"], ["Esc", "close; leave a field"]]],
  ["Episodes", [["j k", "next, previous row"], ["Enter", "open the row"], ["/", "search"]]],
  ["Playback", [["space", "play, pause"], ["← →", "previous, next turn"], ["Home End", "first, last turn"], ["< >", "slower, faster"]]],
  ["Episode", [["n p", "next, previous episode"], ["g", "show the group"], ["c", "compare on the same seed"], ["r", "show the raw reply"], ["f", "nearest success"], ["u", "back to the list"]]],
  ["Group", [["n p", "next, previous group"], ["u", "episodes of this step"]]],
  ["Why", [["n p", "next, previous failure with its success"], ["d", "go to the first difference"], ["u", "back to the reasons"]]],
  ["Compare", [["n p", "next, previous seed"], ["d", "go to the first difference"]]],
];
