/** Formatting of numbers and outcomes as text. */

/** Format a share (0–1) as a percentage with one decimal. */
export function percent(value) {
  return value == null ? "–" : `${fixed(100 * value, 1)}%`;
}

/** Fixed number of decimals, with ties rounded to even as in tables written by Python. */
function fixed(value, digits) {
  const text = value.toFixed(digits);
  const half = Math.abs(value * 2 ** (digits + 1)) % 2 === 1;
  return half && text.at(-1) % 2 ? (value - Math.sign(value) * 10 ** -(digits + 1)).toFixed(digits) : text;
}

/** Format a number with about three significant digits. */
export function number(value) {
  if (value == null || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 0.01) return value.toFixed(2);
  return size < 1e-3 ? value.toExponential(1) : value.toFixed(4);
}

/** Format a reward or an advantage: two decimals, a true minus sign, and an optional plus sign. */
export function points(value, plus = false) {
  if (value == null) return "–";
  const text = fixed(+Math.abs(value).toPrecision(12), 2); // drop rounding errors of sums
  return (value < 0 && text !== "0.00" ? "−" : plus ? "+" : "") + text;
}

/** Format an integer with thin spaces between thousands. */
export function count(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** Format a count with its noun. */
export function plural(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Format a time left, in seconds. */
export function timeLeft(seconds) {
  if (seconds < 90) return `${seconds} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min left` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min left`;
}

/** How an episode ended, as a short text and a CSS class. */
export function outcome(success, ended) {
  if (success) return { word: "success", tone: "good" };
  if (ended === "invalid") return { word: "invalid", tone: "bad" };
  if (ended === "truncated") return { word: "out of turns", tone: "late" };
  if (ended === "context") return { word: "context full", tone: "late" };
  if (ended === "timeout") return { word: "too slow", tone: "late" };
  if (ended === "error") return { word: "env failed", tone: "late" };
  return { word: "failed", tone: "bad" };
}

/** Cut a long text to `limit` characters, never within a surrogate pair. */
export function cut(text, limit) {
  if (text.length <= limit) return text;
  const end = /[\ud800-\udbff]/.test(text[limit - 1]) ? limit - 1 : limit;
  return `${text.slice(0, end)}…`;
}
