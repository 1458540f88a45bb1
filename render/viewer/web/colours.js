/** One colour per run or policy, the same in charts, tables and comparisons. */

export const LINES = ["var(--line0)", "var(--line1)", "var(--line2)", "var(--line3)", "var(--line4)", "var(--line5)"];

/** The CSS colour with a number. Beyond the fixed ones, hues are spread by the golden angle. */
export function colour(index) {
  if (index < LINES.length) return LINES[index];
  const hue = Math.round((index * 137.5) % 360);
  return `light-dark(hsl(${hue} 65% 36%), hsl(${hue} 70% 70%))`;
}

/** The colour of a text that names a run or policy: `name`, `name/label` or `name · title`. null: it has none. */
export function colourOf(colours, text) {
  const names = Object.keys(colours ?? {}).filter((name) => text === name || text.startsWith(`${name}/`) || text.startsWith(`${name} · `));
  if (!names.length) return null;
  return colour(colours[names.reduce((longest, name) => (name.length > longest.length ? name : longest))]);
}
