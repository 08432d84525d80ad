// The quick switcher, Ctrl+K (⌘K): rooms, channels and people that the page links to, and messages by the search. live.js loads it
// when the keys are pressed first. Enter opens what is chosen; the last row leads to the page of the search, which works without
// this file as well.
const ja = document.documentElement.lang === "ja";
const TEXTS = ja ? { title: "移動と検索", hint: "ルーム、チャンネル、人、メッセージ", all: "すべて検索：", none: "見つかりません" } : { title: "Go to or search", hint: "Rooms, channels, people, messages", all: "Search for all: ", none: "Nothing found" };
const PLACES_MAX = 8;
const PEOPLE_MAX = 4;
const HITS_MAX = 6;
const PAUSE_MS = 200; // of somebody who types
const folded = (text) => text.normalize("NFKD").replace(/\p{Mn}/gu, "").toLowerCase();

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const style = make("link", { rel: "stylesheet", href: new URL("switcher.css", import.meta.url).href });
let styled = new Promise((done) => (style.onload = style.onerror = done)).then(() => (styled = undefined));
document.head.append(style);

let parts;
let chosen = 0;
let turn = 0;
let timer;

/** Where the page's own links lead: each address once, by its text. */
function places() {
  const links = document.querySelectorAll(".navigation a[href], a[href^='/people/']");
  const found = new Map();
  for (const link of links) {
    const name = (link.querySelector("span, bdi") ?? link).textContent.trim();
    const href = link.getAttribute("href");
    if (name && !found.has(href)) found.set(href, { href, name, sign: href.startsWith("/rooms/") ? "#" : href.startsWith("/people/") ? "@" : "" });
  }
  return [...found.values()];
}

const row = ({ href, sign, name, more }) => {
  const link = make("a", { href, role: "option", tabindex: "-1", dir: "auto" });
  if (sign) link.append(make("span", { class: "muted", "aria-hidden": "true" }, sign), " ");
  link.append(...(Array.isArray(name) ? name : [name]));
  if (more) link.append(" ", make("span", { class: "muted" }, more));
  return link;
};

function draw(rows) {
  parts.list.replaceChildren(...rows);
  rows.forEach((link, at) => (link.id = `switcher-${at}`));
  parts.status.textContent = rows.length ? "" : TEXTS.none;
  choose(0);
}

function choose(at) {
  const rows = [...parts.list.children];
  chosen = rows.length ? (at + rows.length) % rows.length : -1;
  rows.forEach((link, index) => link.setAttribute("aria-selected", String(index === chosen)));
  rows[chosen]?.scrollIntoView({ block: "nearest" });
  if (rows[chosen]) parts.input.setAttribute("aria-activedescendant", rows[chosen].id);
  else parts.input.removeAttribute("aria-activedescendant");
}

const piece = ({ text, marked }) => (marked ? make("mark", {}, text) : text);

/** What the server answers; nothing where it cannot: a filter that is not whole yet, or too many. The rest is still there. */
async function ask(address, parameters) {
  const answer = await fetch(`${address}?${new URLSearchParams(parameters)}`, { headers: { accept: "application/json" } }).catch(() => undefined);
  return answer?.ok ? answer.json() : undefined;
}

/** The people of the room on the page, also those who are not here now. */
async function people(prefix) {
  const room = /^\/rooms\/[^/]+/.exec(location.pathname);
  const found = room && (await ask(`/api${room[0]}/people`, { prefix, limit: PEOPLE_MAX }));
  return (found ?? []).map(({ id, name }) => ({ href: `/people/${encodeURIComponent(id)}`, name, sign: "@" }));
}

async function messages(q) {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const { hits = [] } = (await ask("/api/search", { q, limit: HITS_MAX, zone: timeZone })) ?? {};
  return hits.map((hit) => {
    const title = hit.title?.length ? [...hit.title.map(piece), " "] : [];
    const text = make("span", { class: "switcher__text" }, ...title, ...hit.parts.map(piece));
    return row({ href: hit.url, name: [text], more: [hit.user, hit.room_name ?? hit.channel].filter(Boolean).join(" · ") });
  });
}

function look() {
  clearTimeout(timer);
  const q = parts.input.value.trim();
  const wanted = folded(q);
  const near = places().filter(({ name }) => folded(name).includes(wanted));
  near.sort((a, b) => Number(folded(b.name).startsWith(wanted)) - Number(folded(a.name).startsWith(wanted)));
  near.splice(PLACES_MAX);
  const first = near.map(row);
  const all = q ? [row({ href: `/search?${new URLSearchParams({ q })}`, name: TEXTS.all + q })] : [];
  const mine = ++turn;
  draw([...first, ...all]);
  if (!q) return;
  timer = setTimeout(async () => {
    const [others, found] = await Promise.all([people(q), messages(q)]);
    if (mine !== turn || !parts.dialog.open) return; // something else was typed meanwhile
    const at = chosen;
    const unseen = others.filter(({ href }) => !near.some((one) => one.href === href));
    draw([...first, ...unseen.map(row), ...found, ...all]);
    choose(at < first.length ? at : 0);
  }, PAUSE_MS);
}

function onKey(event) {
  if (event.isComposing) return; // Enter ends a word of Japanese
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose(chosen + step);
  else if (event.key === "Enter") parts.list.children[chosen]?.click();
  else return;
  event.preventDefault();
}

function build() {
  const input = make("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "switcher-list", "aria-autocomplete": "list", "aria-label": TEXTS.title, placeholder: TEXTS.hint, autocomplete: "off", autocapitalize: "none", spellcheck: "false", enterkeyhint: "go", maxlength: "300", dir: "auto" });
  const list = make("div", { id: "switcher-list", role: "listbox", "aria-label": TEXTS.title });
  const status = make("p", { role: "status", class: "muted" });
  const dialog = make("dialog", { class: "switcher", "aria-label": TEXTS.title }, input, list, status);
  input.addEventListener("input", look);
  input.addEventListener("keydown", onKey);
  // A click beside it, or on a row, which leads away.
  dialog.addEventListener("click", ({ target }) => (target === dialog || target.closest("a")) && dialog.close());
  parts = { dialog, input, list, status };
}

/** Opens the switcher, or closes it. */
export async function toggle() {
  if (styled) await styled;
  if (parts?.dialog.open) return parts.dialog.close();
  if (document.querySelector("dialog:modal")) return;
  if (!parts) build();
  document.body.append(parts.dialog);
  parts.input.value = "";
  parts.dialog.showModal();
  look();
}
