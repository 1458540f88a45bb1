/** Sources of the run data with one interface: a local server or the report file itself. */

const KEPT_CHUNKS = 6;
const KEPT_RECORDS = 200;

/** The source of this page: the file if it contains data, else the server. */
export function openSource() {
  const run = document.getElementById("run");
  return run ? fileSource(run) : serverSource();
}

function serverSource() {
  const records = new Map();
  const runs = { tag: null, value: null, generation: null };
  return {
    live: true,
    /** The run. An unchanged run is the same object as before. */
    async run() {
      const response = await get("/api/run");
      const tag = response.headers.get("etag");
      if (tag === null || tag !== runs.tag) Object.assign(runs, { tag, value: await response.json() });
      return runs.value;
    },
    /** The index of the episodes with an id of at least `after`. */
    async episodes(after) {
      const index = await (await get(`/api/episodes?after=${after}`)).json();
      if (index.generation !== runs.generation) records.clear(); // the ids now refer to other episodes
      runs.generation = index.generation;
      return index;
    },
    /** The ids of the episodes whose prompts or replies contain some words. */
    async search(words) {
      return (await (await get(`/api/search?q=${encodeURIComponent(words)}`)).json()).ids;
    },
    /** Write the tags and the note of an episode. */
    async mark(id, tags, note) {
      const body = JSON.stringify({ generation: runs.generation, tags, note });
      await get(`/api/episodes/${id}/mark`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    },
    /** One record. Records never change, so some are cached. */
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
  let texts = null;
  return {
    live: false,
    run: async () => JSON.parse(run.textContent),
    episodes: async () => JSON.parse(document.getElementById("index").textContent),
    async search(words) {
      texts ??= inflate(document.getElementById("texts").textContent);
      const { lines, episodes } = await texts;
      const found = new Set();
      for (let at = 0; at < lines.length; at += 1) if (lines[at].includes(words)) for (const id of episodes[at]) found.add(id);
      return [...found];
    },
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

/** GET a URL. Errors carry the message of the server. */
async function get(url, more = {}) {
  let response;
  try {
    response = await fetch(url, { cache: "no-cache", ...more });
  } catch {
    throw Object.assign(new Error("the server is not responding"), { gone: true });
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Error(body.error ?? `${url} answered with status ${response.status}`);
}

/** The cached value of `key`, created if missing. The oldest entry is dropped beyond `limit` entries. */
function keep(cache, key, limit, make) {
  if (!cache.has(key)) {
    const value = make();
    cache.set(key, value);
    value.catch(() => cache.delete(key));
    if (cache.size > limit) cache.delete(cache.keys().next().value);
  }
  return cache.get(key);
}

/** Decode base64, gzip and JSON. */
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}
