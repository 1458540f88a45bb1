/** Where the reader is: `#/view/parts?key=value`, so that links and Back work in a plain file too. */

/** The route of a hash: {view, parts, query}; a hash that is no address is the run. */
export function readRoute(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [view, ...parts] = path.split("/").map(decode);
  return { view: view || "run", parts, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The hash of a route; empty values are left out of the query. */
export function link(view, parts = [], query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const search = new URLSearchParams(kept).toString();
  const path = view === "run" ? "" : [view, ...parts].map(encodeURIComponent).join("/");
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** The parts of the address of a row's group. */
export function groupParts(row) {
  return [row.label, row.stage, row.step, row.task, row.group];
}

/** Go there, as a new entry of the history. */
export function go(hash) {
  location.hash = hash;
}

/** Go there in place of where the reader is. */
export function replace(hash) {
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
