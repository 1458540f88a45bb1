/** Series of a chart as columns over a shared x, optionally smoothed. This module does not draw. */

const SMOOTHED_FROM = 12;

/**
 * The columns of a chart: {data: [x, …], lines: [{name, role, from, values}]}, one line for each column after x.
 * `role`: "line", "raw" (behind its smoothed line), "points" (validations), "low" and "high" (their interval, in
 * adjacent columns), "hidden" (values only). `from`: index of the series in the chart. `values`: index of the column of unsmoothed values. null
 * is a gap. undefined means that only another series has this x.
 */
export function columns(chart, stages, smooth) {
  const xs = [...new Set(chart.series.flatMap((series) => series.x))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, index) => [x, index]));
  const data = [xs];
  const lines = [];
  const add = (series, from, role, values, own = data.length) => {
    const column = new Array(xs.length);
    series.x.forEach((x, index) => (column[place.get(x)] = values[index]));
    data.push(column);
    lines.push({ name: series.name, role, from, values: own });
  };
  chart.series.forEach((series, from) => {
    if (series.band) {
      const mean = (values) => (smooth && series.x.length >= SMOOTHED_FROM ? smoothed({ ...series, y: values }, stages) : values);
      add(series, from, "high", mean(series.high));
      add(series, from, "low", mean(series.low));
      add(series, from, "hidden", series.y);
      add(series, from, "line", mean(series.y), data.length - 1);
    } else if (series.low && series.high) {
      add(series, from, "high", series.high);
      add(series, from, "low", series.low);
      add(series, from, "points", series.y);
    } else if (smooth && series.x.length >= SMOOTHED_FROM) {
      add(series, from, "raw", series.y);
      add(series, from, "line", smoothed(series, stages), data.length - 1);
    } else {
      add(series, from, "line", series.y);
    }
  });
  return { data, lines };
}

/** A running mean over about a thirtieth of the points. It restarts at each stage and gap. */
export function smoothed(series, stages) {
  const keep = 1 - 1 / Math.max(3, series.x.length / 30);
  const stageOf = (x) => stages.findIndex((stage) => stage.from <= x && x <= stage.to);
  let [sum, weight, stage] = [0, 0, null];
  return series.y.map((y, index) => {
    const now = stageOf(series.x[index]);
    if (y == null || now !== stage) [sum, weight, stage] = [0, 0, now];
    if (y == null) return null;
    sum = keep * sum + (1 - keep) * y;
    weight = keep * weight + (1 - keep);
    return sum / weight;
  });
}

/** The value of a column at `index`, or the last one before it unless the series has ended. null: the last value. */
export function valueAt(column, index) {
  if (index !== null && !column.some((value, at) => at >= index && value != null)) return null; // the series has ended
  for (let at = index ?? column.length - 1; at >= 0; at -= 1) if (column[at] != null) return column[at];
  return null;
}

/** The y range: 0 to 1 for shares, else the range of values and reference lines with a margin. */
export function range(chart, low, high) {
  if (chart.unit === "%") return [0, 1];
  const floors = (chart.floors ?? []).map((floor) => floor.y);
  const [least, most] = [Math.min(low ?? 0, ...floors), Math.max(high ?? 1, ...floors)];
  const room = (most - least || Math.abs(most) || 1) * 0.08;
  return [least >= 0 && least < (most - least) * 0.6 ? 0 : least - room, most + room];
}
