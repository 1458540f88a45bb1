/** The rows of a query, with full-text search in the prompts and replies. */
import { useEffect, useMemo, useRef, useState } from "vendor/preact";
import { searched, select } from "viewer/filter";
import { usePage } from "viewer/page";

/** The rows that match a query, in its order. While a text is searched, the rows found before stay. */
export function useRows(list) {
  const { source, table, version } = usePage();
  const [count, setCount] = useState(0);
  const before = useRef({ rows: [] });
  const missing = searched(list.q).filter((word) => !table.hits.has(word));
  useEffect(() => {
    let stale = false;
    const look = async (word) => table.hits.set(word, new Set(await source.search(word).catch(() => [])));
    if (missing.length) Promise.all(missing.map(look)).then(() => stale || setCount((number) => number + 1));
    return () => {
      stale = true;
    };
  }, [source, version, missing.join("\n")]);
  const generation = table.generation;
  return useMemo(() => {
    const kept = before.current.generation === generation;
    const rows = missing.length && kept ? before.current.rows : select(table, list);
    before.current = { rows, generation };
    return rows;
  }, [version, JSON.stringify(list), count]);
}
