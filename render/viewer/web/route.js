/** The route in the URL hash, `#/view/parts?key=value`, so that links and Back also work in a local file. */

/** Parse a hash into {view, parts, query}. An empty hash is the run view. */
export function readRoute(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [view, ...parts] = path.split("/").map(decode);
  return { view: view || "run", parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The hash of a route. Empty query values are left out. */
export function link(view, parts = [], query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const search = new URLSearchParams(kept).toString();
  const path = view === "run" ? "" : [view, ...parts].map(encodeURIComponent).join("/");
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** The route parts of a row's group. */
export function groupParts(row) {
  return [row.label, row.stage, row.step, row.task, row.group];
}

/** Go to a hash with a new history entry. */
export function go(hash) {
  location.hash = hash;
}

/** Go to a hash and replace the current history entry. */
export function replace(hash) {
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Note values of the current view in the address, so that a copied link or a reload shows the same. */
export function keep(changes) {
  const { view, parts, query } = readRoute(location.hash);
  const hash = link(view, parts, { ...query, ...changes });
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
