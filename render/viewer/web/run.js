/** Overview of the run: facts, results, learning curves, videos and settings. */
import { html, useState } from "vendor/preact";
import { Chart } from "viewer/chart";
import { colourOf } from "viewer/colours";
import { count, plural, timeLeft } from "viewer/format";
import { remember, remembered, usePage } from "viewer/page";
import { Dot, Empty } from "viewer/parts";
import { link } from "viewer/route";
import { ResultTable } from "viewer/tables";

export function RunView() {
  const { run: whole } = usePage();
  const [mean, setMean] = useState(remembered("seeds") !== "no");
  if (whole.waiting) return html`<${Empty}>Waiting for ${whole.name}: the run has not started yet. Its results appear here.<//>`;
  const run = mean && whole.seeds ? { ...whole, ...whole.seeds, colours: { ...whole.colours, ...whole.seeds.colours } } : whole;
  const turn = (event) => {
    remember("seeds", event.target.checked ? "yes" : "no");
    setMean(event.target.checked);
  };
  return html`<section class="run">
    <header><h1>${run.name}</h1>
      ${run.progress.map((one) => html`<${Progress} ...${one} />`)}
      ${factLists(run.facts).map(([name, facts]) => html`<${Facts} name=${name} facts=${facts} css=${name && colourOf(run.colours, name)} />`)}
    </header>
    ${run.notes.length > 0 && html`<ul class="notes">${run.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
    ${whole.seeds && html`<p class="seeds"><label class="switch"><input type="checkbox" checked=${mean} onChange=${turn} /> One row and one line for all seeds of a config</label> <span class="soft">mean ± standard deviation over the seeds</span></p>`}
    ${run.tables.length > 0 && html`<div class="results">${run.tables.map((table) => html`<${ResultTable} table=${table} colours=${run.colours} />`)}</div>`}
    <${Charts} run=${run} />
    <${About} run=${run} />
    ${run.videos.length > 0 && html`<h2>Videos</h2><div class="videos">${run.videos.map((video) => html`<${Video} key=${video.url} video=${video} />`)}</div>`}
    ${run.policies.length > 0 && html`<h2>Episodes</h2><p class="ways">${run.policies.map(
      ({ label, title, episodes }) => html`<a href=${link("episodes", [], { label })}><${Dot} css=${colourOf(run.colours, label)} />${title} <span class="soft num">${count(episodes)}</span></a>`,
    )}</p>`}
    ${run.config && html`<details><summary>Settings</summary><pre tabindex="0">${run.config}</pre></details>`}
  </section>`;
}

/** How far a live run is: "step 12 of 60 · 3 min left", and what it does between steps. */
function Progress({ name, done, total, unit, seconds_left, doing }) {
  const place = unit === "step" ? `step ${count(done)} of ${count(total)}` : `${count(done)} of ${plural(total, unit)}`;
  const words = [place, seconds_left != null && done < total && timeLeft(seconds_left), doing].filter(Boolean).join(" · ");
  return html`<p class="progress" role="status"><progress value=${done} max=${Math.max(total, 1)} aria-hidden="true" /> <span class="num">${name && html`<strong>${name}</strong> `}${words}</span></p>`;
}

/** Facts of one run. The command has a line of its own. */
function Facts({ name, facts, css }) {
  const command = facts.find(([label]) => label === "Command");
  return html`<dl class="facts">${name && html`<div class="whose"><dt>Run</dt><dd><${Dot} css=${css} />${name}</dd></div>`}
    ${facts.filter((fact) => fact !== command).map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`)}
    ${command && html`<div class="command"><dt>Command</dt><dd><code>${command[1]}</code></dd></div>`}</dl>`;
}

/** Explanations of all columns and charts, which are also their tooltips. */
function About({ run }) {
  const columns = run.tables.flatMap((table) => table.columns.map((title, at) => [title, table.about?.[at] ?? ""]));
  const charts = run.charts.map((chart) => [chart.title, [chart.measured && `Unit: ${chart.measured}.`, chart.about].filter(Boolean).join(" ")]);
  const lists = [["Tables", columns], ["Charts", charts]].map(([name, list]) => [name, [...new Map(list.filter(([, text]) => text))]]);
  if (!lists.some(([, list]) => list.length)) return null;
  return html`<details class="about"><summary>What the tables and charts show</summary>
    ${lists.map(([name, list]) => list.length > 0 && html`<h3>${name}</h3><dl>${list.map(([title, text]) => html`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>`)}</details>`;
}

/** Group the facts by the run name before " · " in their labels, if several runs share the page. Equal facts come once. */
function factLists(facts) {
  const lists = new Map();
  for (const [label, text] of facts) {
    const place = label.lastIndexOf(" · ");
    const name = place < 0 ? "" : label.slice(0, place);
    lists.set(name, [...(lists.get(name) ?? []), [place < 0 ? label : label.slice(place + 3), text]]);
  }
  const runs = [...lists];
  if (runs.length < 2) return runs;
  const everywhere = ([label, text]) => runs.every(([, facts]) => facts.some((fact) => fact[0] === label && fact[1] === text));
  const shared = runs[0][1].filter(everywhere);
  return [...(shared.length ? [["", shared]] : []), ...runs.map(([name, facts]) => [name, facts.filter((fact) => !everywhere(fact))])];
}

function Charts({ run }) {
  const { dark } = usePage();
  const [smooth, setSmooth] = useState(remembered("smooth") !== "no");
  const [more, setMore] = useState(remembered("more") === "yes");
  if (!run.charts.length) return null;
  const shown = run.charts.filter((chart) => !chart.more);
  const rest = run.charts.filter((chart) => chart.more);
  const turn = (key, value, set) => {
    remember(key, value ? "yes" : "no");
    set(value);
  };
  const draw = (chart) => html`<${Chart} key=${chart.key} chart=${chart} run=${run} smooth=${smooth} dark=${dark} large=${chart.key === "success"} />`;
  return html`<div class="heading"><h2>Learning</h2>
      <label class="switch"><input type="checkbox" checked=${smooth} onChange=${(event) => turn("smooth", event.target.checked, setSmooth)} /> Smooth lines</label>
      <span class="soft hint">Click a step to open its episodes; drag to zoom, double-click to reset.</span></div>
    <div class="charts">${shown.map(draw)}</div>
    ${rest.length > 0 && html`<button class="more" aria-expanded=${more} onClick=${() => turn("more", !more, setMore)}>${more ? "Fewer charts" : `${rest.length} more charts`}</button>`}
    ${more && html`<div class="charts">${rest.map(draw)}</div>`}`;
}

/** A muted autoplaying video. Its controls would cover the captions, so they appear on hover. */
function Video({ video }) {
  const [controls, setControls] = useState(false);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const gif = /\.gif($|\?)|^data:image\/gif/.test(video.url);
  return html`<figure class="video">${gif ? html`<img src=${video.url} alt=${video.title} />` : html`<video src=${video.url} aria-label=${video.title} tabindex="0" controls=${controls || still} autoplay=${!still} muted loop playsinline onPointerEnter=${() => setControls(true)} onPointerLeave=${() => setControls(false)} onFocus=${() => setControls(true)}></video>`}<figcaption>${video.title || video.name}</figcaption></figure>`;
}
