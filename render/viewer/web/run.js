/** Overview of the run: facts, results, learning curves, videos and settings. */
import { html, useState } from "vendor/preact";
import { Chart } from "viewer/chart";
import { count } from "viewer/format";
import { remember, remembered, usePage } from "viewer/page";
import { link } from "viewer/route";
import { ResultTable } from "viewer/tables";

export function RunView() {
  const { run } = usePage();
  return html`<section class="run">
    <header><h1>${run.name}</h1>
      ${factLists(run.facts).map(([name, facts]) => html`<dl class="facts">${name && html`<div class="whose"><dt>Run</dt><dd>${name}</dd></div>`}${facts.map(([label, text]) => html`<div><dt>${label}</dt><dd>${text}</dd></div>`)}</dl>`)}
    </header>
    ${run.notes.length > 0 && html`<ul class="notes">${run.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
    ${run.tables.length > 0 && html`<div class="results">${run.tables.map((table) => html`<${ResultTable} table=${table} />`)}</div>`}
    <${Charts} />
    ${run.videos.length > 0 && html`<h2>Videos</h2><div class="videos">${run.videos.map((video) => html`<${Video} key=${video.url} video=${video} />`)}</div>`}
    ${run.policies.length > 0 && html`<h2>Episodes</h2><p class="ways">${run.policies.map(
      ({ label, title, episodes }) => html`<a href=${link("episodes", [], { label })}>${title} <span class="soft num">${count(episodes)}</span></a>`,
    )}</p>`}
    ${run.config && html`<details><summary>Settings</summary><pre tabindex="0">${run.config}</pre></details>`}
  </section>`;
}

/** Group the facts by the run name before " · " in their labels, if several runs share the page. */
function factLists(facts) {
  const lists = new Map();
  for (const [label, text] of facts) {
    const place = label.lastIndexOf(" · ");
    const name = place < 0 ? "" : label.slice(0, place);
    lists.set(name, [...(lists.get(name) ?? []), [place < 0 ? label : label.slice(place + 3), text]]);
  }
  return [...lists];
}

function Charts() {
  const { run, dark } = usePage();
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
