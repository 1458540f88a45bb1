/** One chart, drawn with uPlot: lines, validations with intervals, reference policies, stages, reported step. */
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "vendor/preact";
import uPlot from "vendor/uplot";
import { colour as numbered, LINES } from "viewer/colours";
import { number, percent } from "viewer/format";
import { go, link } from "viewer/route";
import { columns, range, valueAt } from "viewer/series";

const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3]]; // of the lines in one colour
const HEIGHT = 140;
const WHOLE = Array.from({ length: 9 }, (_, power) => [1, 2, 2.5, 5].map((digit) => digit * 10 ** power)).flat().filter(Number.isInteger); // integers only: no ticks between steps
const FONT = "11px system-ui, sans-serif";

/** The current theme colours of the page, for a canvas. */
function palette(element) {
  const resolve = (css) => {
    element.style.color = css;
    const found = getComputedStyle(element).color;
    element.style.color = "";
    return found;
  };
  const [soft, faint, stage, floor] = ["soft", "faint", "stage", "floor"].map((name) => resolve(`var(--${name})`));
  return { soft, faint, stage, floor, resolve };
}

/** `run`: stages and reported step; `smooth`: show running means; `dark`: redraws when the theme changes. */
export function Chart({ chart, run, smooth, dark, large }) {
  const box = useRef();
  const plot = useRef();
  const [index, setIndex] = useState(null);
  const { data, lines } = useMemo(() => columns(chart, run.stages, smooth), [chart, run.stages, smooth]);
  const shape = JSON.stringify([lines, chart.series.map((series) => series.colour), dark, large, run.stages.length]);
  const now = useRef();
  now.current = { chart, run };

  useLayoutEffect(() => {
    const colours = palette(box.current);
    const size = () => {
      const width = Math.max(box.current.clientWidth, 200);
      return { width, height: large ? box.current.clientHeight : HEIGHT };
    };
    plot.current = new uPlot(options(now, lines, colours, size(), setIndex), data, box.current);
    const watch = new ResizeObserver(() => plot.current.setSize(size()));
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      plot.current.destroy();
    };
  }, [shape]);
  useEffect(() => {
    const { min, max } = plot.current.scales.x;
    const before = plot.current.data[0];
    const zoomed = before.length > 1 && (min > before[0] || max < before.at(-1));
    plot.current.setData(data, !zoomed);
  }, [data]);

  const x = index === null ? null : data[0][index];
  const alone = chart.series.length === 1 && !chart.floors?.length;
  const keys = (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps) {
      const to = Math.min(Math.max((index ?? data[0].length) + steps[event.key], 0), data[0].length - 1);
      plot.current.setCursor({ left: plot.current.valToPos(data[0][to], "x"), top: 10 });
      event.preventDefault();
    } else if (event.key === "Enter" && x !== null) openStep(x);
  };
  return html`<figure class=${`chart ${large ? "large" : ""}`} data-key=${chart.key}>
    <figcaption title=${chart.about}><span>${chart.title}${chart.measured && html` <span class="soft unit">${chart.measured}</span>`}</span><span class="num">${x !== null && html`<span class="soft">step ${Math.round(x)} </span>`}${alone && write(chart, valueAt(data[lines.at(-1).values], index))}</span></figcaption>
    <div class="plot" ref=${box} tabindex="0" role="slider" aria-label=${`${chart.title}: left and right arrows move between steps, Enter opens the episodes of the step`}
      aria-valuemin=${data[0][0]} aria-valuemax=${data[0].at(-1)} aria-valuenow=${x ?? data[0].at(-1)} aria-valuetext=${words(chart, lines, data, index)} onKeyDown=${keys}></div>
    ${!alone && html`<${Legend} chart=${chart} lines=${lines} data=${data} index=${index} />`}
  </figure>`;
}

function openStep(x) {
  go(link("episodes", [], { step: String(Math.round(x)) }));
}

/** A tick label of an axis. */
function tick(value) {
  return Math.abs(value) >= 1e4 ? `${+(value / 1e3).toPrecision(4)}k` : String(+value.toPrecision(5));
}

/** Format a value of the chart. */
function write(chart, value) {
  return chart.unit === "%" ? percent(value) : number(value);
}

/** The lines listed in the legend: one per series that has a point. */
function told(lines, data) {
  return lines.filter((line) => ["line", "points"].includes(line.role) && valueAt(data[line.values], null) !== null);
}

/** The values at an index, or the latest ones, as text for screen readers. */
function words(chart, lines, data, index) {
  const values = told(lines, data).map((line) => `${line.name} ${write(chart, valueAt(data[line.values], index))}`);
  return `${index === null ? "latest step" : `step ${Math.round(data[0][index])}`}: ${values.join(", ")}`;
}

function Legend({ chart, lines, data, index }) {
  const entry = (line) =>
    html`<span class="entry"><i class=${line.role} style=${{ color: colourName(chart, line), borderTopStyle: ["solid", "dashed", "dotted", "double"][dashOf(chart, line)] }} />${line.name} <b class="num">${write(chart, valueAt(data[line.values], index))}</b></span>`;
  const floor = ({ name, y }) => html`<span class="entry"><i class="floor" />${name} <b class="num">${write(chart, y)}</b></span>`;
  return html`<div class="legend">${told(lines, data).map(entry)}${(chart.floors ?? []).map(floor)}</div>`;
}

/** The CSS colour of a line. With several runs, all lines of a run have its colour. */
function colourName(chart, line) {
  const { name, colour } = chart.series[line.from];
  if (colour !== undefined) return numbered(colour);
  const place = chart.series.filter((series) => !series.low).findIndex((series) => series.name === name);
  return place < 0 ? "var(--held-out)" : LINES[place % LINES.length];
}

/** The dash pattern of a line: lines with the colour of their run differ in it. */
function dashOf(chart, line) {
  const own = chart.series[line.from];
  if (own.colour === undefined || line.role === "points") return 0;
  const same = chart.series.filter((series) => series.colour === own.colour && (series.band || !series.low));
  return Math.max(same.indexOf(own), 0) % DASHES.length;
}

function options(now, lines, colours, size, setIndex) {
  const { chart } = now.current;
  const colour = (line) => colours.resolve(colourName(chart, line));
  const clear = (text) => text.replace(/^rgb\((.*)\)$/, "rgba($1, 0.16)");
  const series = lines.map((line) => {
    const stroke = colour(line);
    if (line.role === "raw") return { stroke: clear(stroke).replace("0.16", "0.28"), width: 1, points: { show: false }, paths: lifted };
    if (line.role === "line") return { stroke, width: 1.6, dash: DASHES[dashOf(chart, line)], points: { show: false }, paths: lifted };
    if (line.role === "points") return { stroke, width: 1, dash: [3, 3], spanGaps: true, points: { show: true, size: 6, fill: stroke } };
    return { stroke: "transparent", width: 0, spanGaps: true, points: { show: false } };
  });
  const bands = lines.flatMap((line, at) => (line.role === "high" ? [{ series: [at + 1, at + 2], fill: clear(colour(line)) }] : []));
  const axis = { stroke: colours.soft, font: FONT, grid: { stroke: colours.faint, width: 1 }, ticks: { show: false } };
  return {
    ...size,
    series: [{}, ...series],
    bands,
    padding: [18, 12, 0, 0],
    legend: { show: false },
    scales: { x: { time: false }, y: { range: (_, low, high) => range(now.current.chart, low, high) } },
    axes: [
      { ...axis, size: 26, gap: 2, space: 40, incrs: WHOLE },
      { ...axis, size: 44, gap: 2, space: 28, values: (_, splits) => splits.map((value) => (chart.unit === "%" ? `${Math.round(100 * value)}` : tick(value))) },
    ],
    cursor: { sync: { key: "steps", scales: ["x", null] }, y: false, points: { size: 5 }, drag: { x: true, y: false }, focus: { prox: -1 } },
    hooks: {
      drawClear: [(plot) => drawStages(plot, now.current.run, colours)],
      draw: [(plot) => drawFloors(plot, now.current, colours)],
      setCursor: [(plot) => setIndex(plot.cursor.left >= 0 ? (plot.cursor.idx ?? null) : null)],
      ready: [listen],
    },
  };
}

/** A line path that breaks at each null. uPlot joins the ends and masks the gap, which leaves steep lines visible. */
function lifted(plot, column, from, to) {
  const [xs, ys] = [plot.data[0], plot.data[column]];
  const stroke = new Path2D();
  let down = false;
  for (let at = from; at <= to; at += 1) {
    if (ys[at] === undefined) continue; // only another series has this x
    if (ys[at] !== null) stroke[down ? "lineTo" : "moveTo"](plot.valToPos(xs[at], "x", true), plot.valToPos(ys[at], plot.series[column].scale, true));
    down = ys[at] !== null;
  }
  return { stroke, fill: null, clip: null, band: null, gaps: null, flags: 1 };
}

/** A click opens the episodes of the step. uPlot handles zooming by dragging. */
function listen(plot) {
  let from = null;
  plot.over.addEventListener("mousedown", (event) => (from = event.clientX));
  plot.over.addEventListener("click", (event) => {
    if (from !== null && Math.abs(event.clientX - from) < 4 && plot.cursor.idx != null) openStep(plot.data[0][plot.cursor.idx]);
  });
}

/** Shade every second stage and write the name of each stage above it if there is room. */
function drawStages(plot, run, colours) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  Object.assign(ctx, { font: `${11 * scale}px system-ui, sans-serif`, textAlign: "left", textBaseline: "bottom" });
  run.stages.forEach((stage, index) => {
    const ends = [stage.from - 0.5, stage.to + 0.5].map((x) => Math.min(Math.max(plot.valToPos(x, "x", true), bbox.left), bbox.left + bbox.width));
    if (ends[1] <= ends[0]) return;
    ctx.fillStyle = colours.stage;
    if (index % 2 === 1) ctx.fillRect(ends[0], bbox.top, ends[1] - ends[0], bbox.height);
    ctx.fillStyle = colours.soft;
    const name = stage.name.length > 24 ? `${stage.name.slice(0, 23)}…` : stage.name;
    if (ctx.measureText(name).width < ends[1] - ends[0] - 2 * scale) ctx.fillText(name, ends[0] + 3 * scale, bbox.top - 4 * scale);
  });
  ctx.restore();
}

/** Draw reference policies as dashed lines and mark the reported step. */
function drawFloors(plot, { chart, run }, colours) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  const line = (x0, y0, x1, y1, colour, dash) => {
    ctx.strokeStyle = colour;
    ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    ctx.stroke();
  };
  for (const floor of chart.floors ?? []) {
    const y = plot.valToPos(floor.y, "y", true);
    line(bbox.left, y, bbox.left + bbox.width, y, colours.floor, [5, 4]);
  }
  const x = run.reported_step === null ? null : plot.valToPos(run.reported_step, "x", true);
  if (x !== null && x >= bbox.left && x <= bbox.left + bbox.width) line(x, bbox.top, x, bbox.top + bbox.height, colours.soft, [2, 3]);
  ctx.restore();
}
