/** The keyboard: views say which keys they answer, the newest first. */
import { useLayoutEffect, useRef } from "vendor/preact";

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
/** The keys that an element answers itself. */
const OWN = [
  ["input[type=range]", ARROWS],
  ["input[type=checkbox]", [" "]],
  ["input, select, textarea", "all"],
  ["video", [" ", ...ARROWS]],
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

/** Answer keys while a component is shown: {key: function}. */
export function useKeys(actions) {
  const layer = useRef(actions);
  layer.current = actions;
  useLayoutEffect(() => {
    layers.push(layer);
    return () => layers.splice(layers.indexOf(layer), 1);
  }, []);
}

/** What the help shows: [where, [[keys, what], …]]. */
export const HELP = [
  ["Everywhere", [["1 2 3", "run, episodes, compare"], ["t", "dark or light"], ["?", "this list"], ["Esc", "close; leave a field"]]],
  ["Episodes", [["j k", "next, previous row"], ["Enter", "open the row"], ["/", "search"]]],
  ["Playing", [["space", "play, pause"], ["← →", "a turn back, on"], ["Home End", "first, last turn"], ["< >", "slower, faster"]]],
  ["Episode", [["n p", "next, previous of the list"], ["g", "its group"], ["c", "the same seed by another"], ["r", "the raw reply"], ["u", "back to the list"]]],
  ["Group", [["n p", "next, previous group"], ["u", "the episodes of its step"]]],
  ["Compare", [["n p", "next, previous seed"], ["d", "first turn that differs"]]],
];
