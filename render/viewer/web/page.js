/** Shared state of the views: the source, the run, the table of episodes and the route. */
import { createContext, useContext, useEffect, useState } from "vendor/preact";

export const PageContext = createContext(null);

/** {source, run, table, version (increases when the table changes), route, dark, title(label): display title}. */
export function usePage() {
  return useContext(PageContext);
}

/** The records of `ids` as a list of {id, record} or {id, error}. The previous list stays until all are loaded. */
export function useRecords(ids) {
  const { source, table } = usePage();
  const [answers, setAnswers] = useState([]);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let stale = false;
    const asked = ids.map((id) =>
      source.episode(id).then(
        (record) => ({ id, record }),
        (error) => ({ id, error: error.message }),
      ),
    );
    Promise.all(asked).then((found) => stale || setAnswers(found));
    return () => {
      stale = true;
    };
  }, [source, ids.join(), table.generation, attempt]);
  return { answers, again: () => setAttempt(attempt + 1) };
}

/** A stored value, or null if there is none or storage is not allowed. */
export function remembered(key) {
  try {
    return localStorage.getItem(`kickoff.${key}`);
  } catch {
    return null;
  }
}

/** Store a value for the next visit if the browser allows it. */
export function remember(key, value) {
  try {
    localStorage.setItem(`kickoff.${key}`, value);
  } catch {
    // a local file may have no storage: the value then lasts until the page is closed
  }
}
