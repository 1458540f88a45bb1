/** Where the run comes from: a server on this machine, or the page's own file. Both answer the same calls. */

const KEPT_CHUNKS = 6;
const KEPT_RECORDS = 200;

/** The source of this page: the file, where data are in it, else the server. */
export function openSource() {
  const run = document.getElementById("run");
  return run ? fileSource(run) : serverSource();
}

function serverSource() {
  const records = new Map();
  const runs = { tag: null, value: null, generation: null };
  return {
    live: true,
    /** The run; the same object as before where nothing changed. */
    async run() {
      const response = await get("/api/run");
      const tag = response.headers.get("etag");
      if (tag === null || tag !== runs.tag) Object.assign(runs, { tag, value: await response.json() });
      return runs.value;
    },
    /** The index of the episodes from id `after` on. */
    async episodes(after) {
      const index = await (await get(`/api/episodes?after=${after}`)).json();
      if (index.generation !== runs.generation) records.clear(); // their ids mean other episodes now
      runs.generation = index.generation;
      return index;
    },
    /** One record; its text never changes, so a few are kept. */
    episode(id) {
      return keep(records, id, KEPT_RECORDS, async () => (await get(`/api/episodes/${id}?generation=${runs.generation}`)).json());
    },
  };
}

function fileSource(run) {
  const chunks = [...document.querySelectorAll("script.chunk")].map((element) => ({
    element,
    from: Number(element.dataset.from),
    to: Number(element.dataset.to),
  }));
  const lists = new Map();
  return {
    live: false,
    run: async () => JSON.parse(run.textContent),
    episodes: async () => JSON.parse(document.getElementById("index").textContent),
    async episode(id) {
      const chunk = chunks.find(({ from, to }) => from <= id && id <= to);
      if (!chunk) throw new Error(`episode ${id} is not in this file`);
      const records = await keep(lists, chunk.from, KEPT_CHUNKS, () => inflate(chunk.element.textContent));
      const record = records.find((one) => one.id === id);
      if (!record) throw new Error(`episode ${id} is not in this file`);
      if (record.error) throw new Error(record.error);
      return record;
    },
  };
}

/** GET, or an error with the server's own line. */
async function get(url) {
  let response;
  try {
    response = await fetch(url, { cache: "no-cache" });
  } catch {
    throw Object.assign(new Error("the server does not answer"), { gone: true });
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Error(body.error ?? `${url} answered with status ${response.status}`);
}

/** The value of `key` out of `cache`, made where it is missing; the oldest goes where there are more than `limit`. */
function keep(cache, key, limit, make) {
  if (!cache.has(key)) {
    const value = make();
    cache.set(key, value);
    value.catch(() => cache.delete(key));
    if (cache.size > limit) cache.delete(cache.keys().next().value);
  }
  return cache.get(key);
}

/** Base64 of gzip of JSON → its value. */
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
