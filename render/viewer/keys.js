/** The keyboard: views say which keys they answer, the newest first. */
import { useLayoutEffect, useRef } from "vendor/preact";

const layers = [];

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  const writing = target.matches?.("input, select, textarea");
  if (writing && event.key === "Escape") target.blur();
  if (writing) return;
  if (["Enter", " "].includes(event.key) && target.closest?.("a, button, summary, video, [data-keys]")) return;
  if (target.closest?.("[data-keys]") && ["ArrowLeft", "ArrowRight"].includes(event.key)) return;
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
  ["Compare", [["n p", "next, previous seed"], ["d", "first turn that differs"]]],
];
