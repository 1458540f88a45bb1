/** Tags and the note of an episode: an editor on the served page, text in a report. */
import { html, useEffect, useRef, useState } from "vendor/preact";
import { usePage } from "viewer/page";

export function Marks({ id }) {
  const { source, table, mark } = usePage();
  const saved = table.marks.get(id) ?? { tags: [], note: "" };
  const [tags, setTags] = useState(saved.tags.join(", "));
  const [note, setNote] = useState(saved.note);
  const [said, say] = useState("");
  const key = JSON.stringify(saved);
  const [tagsBox, noteBox] = [useRef(), useRef()];
  useEffect(() => {
    const typing = (box) => document.activeElement === box.current; // what is being typed stays
    if (!typing(tagsBox)) setTags(saved.tags.join(", "));
    if (!typing(noteBox)) setNote(saved.note);
  }, [id, key]);
  if (!source.live) {
    if (!saved.tags.length && !saved.note) return null;
    return html`<div class="marks">${saved.tags.map((tag) => html`<span class="tag">${tag}</span> `)}${saved.note && html`<p class="note" dir="auto">${saved.note}</p>`}</div>`;
  }
  const save = () => {
    const list = [...new Set(tags.split(",").map((tag) => tag.trim()).filter(Boolean))];
    if (list.join() === saved.tags.join() && note === saved.note) return;
    say("saving…");
    mark(id, list, note).then(() => say("saved in notes.jsonl"), (error) => say(`not saved: ${error.message}`));
  };
  const enter = (event) => event.key === "Enter" && event.target.blur();
  return html`<form class="marks" onSubmit=${(event) => event.preventDefault()}>
    <label>Tags <input ref=${tagsBox} value=${tags} placeholder="such as: keeper, lucky" onInput=${(event) => setTags(event.target.value)} onBlur=${save} onKeyDown=${enter} /></label>
    <label>Note <textarea ref=${noteBox} rows="1" value=${note} onInput=${(event) => setNote(event.target.value)} onBlur=${save} /></label>
    <span class="soft" role="status">${said}</span>
  </form>`;
}
