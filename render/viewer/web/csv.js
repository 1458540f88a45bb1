/** CSV of episodes. */

const COLUMNS = ["id", "label", "task", "kind", "stage", "step", "group", "seed", "success", "ended", "ending", "reward", "turns", "valid", "advantage", "score", "seen"];

/** The CSV text of rows of the table: a line for each episode, with its actions, tags and note. */
export function csv(table, rows) {
  const lines = [[...COLUMNS, "actions", "tags", "note"]];
  for (const at of rows) {
    const { tags = [], note = "" } = table.marks.get(table.columns.id[at]) ?? {};
    lines.push([...COLUMNS.map((name) => table.columns[name][at]), (table.columns.actions[at] ?? []).join(" | "), tags.join(" | "), note]);
  }
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

/** A cell, quoted if needed. A spreadsheet must not take a text for a formula. */
function cell(value) {
  const text = typeof value === "string" ? value.replace(/^(?=[=@\t\r]|[+-](?!\d))/, "'") : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Save a text as a file. */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
