/** A virtual table that renders only the visible rows. New rows do not move the visible ones. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "vendor/preact";
import { plural } from "viewer/format";
import { useKeys } from "viewer/keys";

const HEIGHT = 32;
const AROUND = 8;
const places = new Map();

/**
 * `rows`: keys in order; `cells(key)`: the <td>s of a row; `head`: the <th>s; `open(key)`: called on Enter and click.
 * `name`: key of the remembered scroll position; `version`: changes when new data arrive, not when a filter changes.
 */
export function Rows({ name, rows, version, head, cells, open, className = "" }) {
  const box = useRef();
  const shown = useRef({ version, rows });
  const [top, setTop] = useState(places.get(name)?.top ?? 0);
  const [height, setHeight] = useState(600);
  const [cursor, setCursor] = useState(places.get(name)?.cursor ?? null);
  const [above, setAbove] = useState(0);
  places.set(name, { top, cursor });

  useLayoutEffect(() => {
    const element = box.current;
    element.scrollTop = top;
    const watch = new ResizeObserver(() => setHeight(element.clientHeight));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  useLayoutEffect(() => {
    const before = shown.current;
    if (before.rows === rows) return;
    shown.current = { version, rows };
    if (before.version === version) {
      setAbove(0);
      box.current.scrollTop = 0;
      return;
    }
    const first = before.rows[Math.floor(box.current.scrollTop / HEIGHT)];
    const moved = rows.indexOf(first) - before.rows.indexOf(first);
    if (first !== undefined && moved > 0) {
      box.current.scrollTop += moved * HEIGHT;
      setAbove((count) => count + moved);
    }
  }, [rows, version]);

  const place = rows.indexOf(cursor);
  const move = (step) => {
    const to = place < 0 ? Math.ceil(top / HEIGHT) : Math.min(Math.max(place + step, 0), rows.length - 1);
    if (rows[to] === undefined) return;
    setCursor(rows[to]);
    const { scrollTop, clientHeight } = box.current;
    const room = clientHeight - 2 * HEIGHT;
    if (to * HEIGHT < scrollTop) box.current.scrollTop = to * HEIGHT;
    else if (to * HEIGHT > scrollTop + room) box.current.scrollTop = to * HEIGHT - room;
  };
  useKeys({ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => place >= 0 && open(cursor) });
  useEffect(() => {
    if (top < HEIGHT) setAbove(0);
  }, [top]);

  const from = Math.max(Math.floor(top / HEIGHT) - AROUND, 0);
  const to = Math.min(Math.ceil((top + height) / HEIGHT) + AROUND, rows.length);
  const click = (key) => (event) => {
    if (event.target.closest("a")) return;
    setCursor(key);
    open(key);
  };
  return html`<div class=${`rows ${className}`}>
    ${above > 0 && html`<button class="above" onClick=${() => (box.current.scrollTop = 0)}>↑ ${plural(above, "new row")}</button>`}
    <div class="scroller" ref=${box} onScroll=${() => setTop(box.current.scrollTop)}>
      <table role="grid" tabindex="0" aria-label="Rows: j and k move the selection, Enter opens the row" aria-rowcount=${rows.length + 1} aria-activedescendant=${place < 0 ? null : `${name}-${cursor}`}>
        <thead><tr aria-rowindex="1">${head}</tr></thead>
        <tbody>
          <tr class="space" style=${{ height: `${from * HEIGHT}px` }} aria-hidden="true"></tr>
          ${rows.slice(from, to).map((key, index) => html`<tr key=${key} id=${`${name}-${key}`} aria-rowindex=${from + index + 2} aria-selected=${key === cursor} onClick=${click(key)}>${cells(key)}</tr>`)}
          <tr class="space" style=${{ height: `${(rows.length - to) * HEIGHT}px` }} aria-hidden="true"></tr>
        </tbody>
      </table>
    </div>
  </div>`;
}
