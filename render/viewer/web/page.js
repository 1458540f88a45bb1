/** What every view can ask for: the source, the run, the table of episodes and where the reader is. */
import { createContext, useContext, useEffect, useState } from "vendor/preact";

export const PageContext = createContext(null);

/** {source, run, table, version (grows with the table), route, dark, title(label): who played, for people}. */
export function usePage() {
  return useContext(PageContext);
}

/** The records of `ids`: a list of {id, record} or {id, error}; what was shown stays until the new ones are there. */
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

/** A value in the browser's memory of this page, with a fallback where there is none (or none is allowed). */
export function remembered(key) {
  try {
    return localStorage.getItem(`kickoff.${key}`);
  } catch {
    return null;
  }
}

/** Keep a value for the next visit, where the browser allows it. */
export function remember(key, value) {
  try {
    localStorage.setItem(`kickoff.${key}`, value);
  } catch {
    // a plain file may have no memory: then it lasts as long as the page
  }
}
