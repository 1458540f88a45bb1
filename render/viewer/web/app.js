/** The page: the top bar, one view at a time, and polling for new data of a live run. */
import { html, render, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState } from "vendor/preact";
import { CompareView } from "viewer/compare";
import { EpisodeView } from "viewer/episode";
import { EpisodesView } from "viewer/episodes";
import { count } from "viewer/format";
import { GroupView } from "viewer/group";
import { HELP, useKeys } from "viewer/keys";
import { PageContext, remember, remembered, usePage } from "viewer/page";
import { PairView } from "viewer/pair";
import { Empty, Icon, Problem } from "viewer/parts";
import { go, link, readRoute } from "viewer/route";
import { RunView } from "viewer/run";
import { openSource } from "viewer/source";
import { Table } from "viewer/table";
import { WhyView, whyLink } from "viewer/why";

const EVERY = { live: 2000, still: 10000 }; // polling intervals in milliseconds; a stopped run may be resumed and the server may be replaced
const VIEWS = { run: RunView, episodes: EpisodesView, episode: EpisodeView, group: GroupView, why: WhyView, pair: PairView, compare: CompareView };

function App({ source }) {
  const { run, table, version, problem, gone, again } = useRun(source);
  const route = useRoute();
  const [dark, turnTheme] = useTheme();
  const [help, setHelp] = useState(false);
  useKeys({
    1: () => go(link("run")),
    2: () => go(link("episodes")),
    3: () => go(whyLink(table)),
    4: () => go(link("compare")),
    t: turnTheme,
    "?": () => setHelp(!help),
    Escape: () => setHelp(false),
  });
  useEffect(() => {
    if (run) document.title = `${run.name}${route.view === "run" ? "" : ` · ${route.view} ${route.parts[0] ?? ""}`} · Kickoff`;
    scrollTo(0, 0);
  }, [run?.name, route.view, route.parts.join("/")]);
  const page = useMemo(() => {
    const titles = new Map(run?.policies.map((policy) => [policy.label, policy.title]));
    const mark = (id, tags, note) => source.mark(id, tags, note).then(again);
    return { source, run, table, version, route, dark, mark, title: (label) => titles.get(label) ?? label };
  }, [source, run, table, version, route, dark]);
  if (!run) return problem ? html`<${Problem} text=${problem} again=${again} />` : html`<p class="start">${gone ? "The server is not responding; retrying." : "Loading…"}</p>`;
  const View = Object.hasOwn(VIEWS, route.view) && VIEWS[route.view];
  return html`<${PageContext.Provider} value=${page}>
    <${Bar} run=${run} table=${table} route=${route} live=${source.live && run.live} dark=${dark} turnTheme=${turnTheme} help=${() => setHelp(!help)} />
    ${gone && html`<p class="gone" role="status">The server is not responding; retrying.</p>`}
    ${problem && html`<${Problem} text=${problem} again=${again} />`}
    <main key=${route.view}>${View ? html`<${Guard}><${View} key=${route.view === "group" ? route.parts.join("/") : ""} /><//>` : html`<${Empty}>Page not found. <a href="#/">Back to the run</a><//>`}</main>
    ${help && html`<${Help} close=${() => setHelp(false)} />`}
  <//>`;
}

/** The run and its episodes, polled if they come from a server. */
function useRun(source) {
  const table = useRef(new Table()).current;
  const [state, setState] = useState({ run: null, version: 0, problem: "", gone: false });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let timer;
    let stopped = false;
    const look = async () => {
      let wait = EVERY.still;
      try {
        const run = await source.run();
        let index = await source.episodes(table.next);
        if (table.size && index.generation !== table.generation) {
          table.clear();
          if (index.from > 0) index = await source.episodes(0);
        }
        if (stopped) return;
        const grew = table.append(index);
        table.setMarks(run.marks);
        if (run.live || run.waiting) wait = EVERY.live;
        setState((before) => {
          const same = !grew && run === before.run && !before.problem && !before.gone;
          return same ? before : { run, version: before.version + 1, problem: "", gone: false };
        });
      } catch (error) {
        if (stopped) return;
        if (error.gone) wait = EVERY.live;
        setState((before) => ({ ...before, gone: Boolean(error.gone), problem: error.gone ? "" : error.message }));
      }
      if (source.live) timer = setTimeout(look, wait);
    };
    look();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [source, attempt]);
  return { ...state, table, again: () => setAttempt((count) => count + 1) };
}

function useRoute() {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(readRoute(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

/** Dark or light theme: the system setting until the user chooses one. */
function useTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const [chosen, setChosen] = useState(remembered("theme"));
  const [systemDark, setSystemDark] = useState(system.matches);
  useEffect(() => {
    const follow = (event) => setSystemDark(event.matches);
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  const dark = chosen ? chosen === "dark" : systemDark;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  const turn = () => {
    const next = dark ? "light" : "dark";
    remember("theme", next);
    setChosen(next);
  };
  return [dark, turn];
}

function Bar({ run, table, route, live, dark, turnTheme, help }) {
  const tab = (view, words, among = [view]) => html`<a href=${link(view)} aria-current=${among.includes(route.view) ? "page" : null}>${words}</a>`;
  return html`<header class="bar">
    <a class="brand" href="#/" title=${run.name}><b>Kickoff</b><span>${run.name}</span></a>
    <nav aria-label="Views">
      ${tab("run", "Run")}
      ${tab("episodes", html`Episodes <span class="num soft" id="total">${count(table.size)}</span>`, ["episodes", "episode", "group"])}
      <a href=${whyLink(table)} aria-current=${["why", "pair"].includes(route.view) ? "page" : null}>Why</a>
      ${tab("compare", "Compare")}
    </nav>
    ${live && html`<span class="live" role="status"><i />live</span>`}
    <button class="round" aria-label=${dark ? "Light theme" : "Dark theme"} title="Toggle dark or light theme (t)" onClick=${turnTheme}><${Icon} name="theme" /></button>
    <button class="round" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick=${help}>?</button>
  </header>`;
}

function Help({ close }) {
  const dialog = useRef();
  useLayoutEffect(() => dialog.current.showModal(), []);
  const keys = (words) => words.split(" ").map((key) => html`<kbd>${key}</kbd> `);
  return html`<dialog ref=${dialog} aria-label="Keyboard shortcuts" onClose=${close} onClick=${(event) => event.target === dialog.current && close()}>
    <div class="help"><h2>Keyboard shortcuts</h2>
      ${HELP.map(([where, list]) => html`<section><h3>${where}</h3><dl>${list.map(([key, what]) => html`<div><dt>${keys(key)}</dt><dd>${what}</dd></div>`)}</dl></section>`)}
      <button onClick=${close}>Close</button></div>
  </dialog>`;
}

/** Error boundary: a failing view shows its error, and the rest of the page keeps working. */
function Guard({ children }) {
  const { route } = usePage();
  const [error, reset] = useErrorBoundary();
  useEffect(() => error && reset(), [route]);
  return error ? html`<${Problem} text=${`This view cannot be shown: ${error.message}`} again=${reset} />` : children;
}

render(html`<${App} source=${openSource()} />`, document.getElementById("app"));
