// The picker of emoji for reactions. live.js loads it when it is first opened. It fills the element that
// app/components/message_menu.rs draws; that hears clicks on what has `data-emoji`, so that picking is a click here, too.
const words = document.getElementById("words").dataset;
const lang = document.documentElement.lang;
const LIMIT = 100;
// A raised hand in each tone stands for it; 0 is none.
const HANDS = ["✋", "✋🏻", "✋🏼", "✋🏽", "✋🏾", "✋🏿"];
const answers = new Map();
const known = new Map(); // what an emoji is called
let parts; // of the picker that is in the page
let found = [];
let chosen = -1;
let turn = 0;
let isMoving = false; // by arrows among the emoji, and not in the text

const stored = (key) => {
  try {
    return localStorage[key] ?? "";
  } catch {
    return ""; // the browser keeps nothing for this origin
  }
};
let tone = Number(stored("idobata.tone")) || 0;
const recent = () => stored("idobata.emoji").split(" ").filter(Boolean);
const nameOf = ({ name, name_ja }) => (lang === "ja" && name_ja) || name;

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Shows the picker anew. */
export function open(picker) {
  if (!parts?.input.isConnected || parts.picker !== picker) build(picker);
  parts.input.value = "";
  isMoving = false;
  search();
  // A finger looks first: a keyboard on the screen would cover what there is.
  (matchMedia("(hover: none)").matches ? picker : parts.input).focus();
}

function build(picker) {
  const input = make("input", {
    type: "text",
    role: "combobox",
    "aria-label": words.find,
    placeholder: words.find,
    "aria-expanded": "true",
    "aria-controls": "emoji-found",
    "aria-autocomplete": "list",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    enterkeyhint: "done",
    dir: "auto",
  });
  const list = make("div", { id: "emoji-found", role: "listbox", "aria-label": words.emoji, class: "emoji-picker__list" });
  const status = make("p", { role: "status", class: "emoji-picker__status muted" });
  const name = make("span", { class: "emoji-picker__name", "aria-hidden": "true" });
  const tones = make("fieldset", { class: "emoji-picker__tones" }, make("legend", {}, words.tone));
  HANDS.forEach((hand, at) => {
    const radio = make("input", { type: "radio", name: "tone", value: at });
    radio.checked = at === tone;
    tones.append(make("label", { translate: "no" }, radio, make("span", {}, hand)));
  });
  parts?.picker.replaceChildren(); // one at a time: its elements have ids
  parts = { picker, input, list, status, name };
  picker.replaceChildren(input, list, status, make("div", { class: "emoji-picker__end" }, name, tones));
  input.addEventListener("input", (event) => event.isComposing || ((isMoving = false), search()));
  input.addEventListener("compositionend", search);
  input.addEventListener("keydown", onKey);
  tones.addEventListener("change", (event) => {
    tone = Number(event.target.value);
    try {
      localStorage["idobata.tone"] = tone;
    } catch {
      // It counts for this page.
    }
    draw();
  });
  // A pointer that rests where the list appears chooses nothing.
  list.addEventListener("pointermove", ({ target }) => {
    const at = options().indexOf(target.closest("[role=option]"));
    if (at >= 0 && at !== chosen) choose(at);
  });
}

async function search() {
  const query = parts.input.value.trim();
  const mine = ++turn;
  let answer = answers.get(query);
  if (!answer) {
    parts.list.setAttribute("aria-busy", "true");
    const late = setTimeout(() => mine === turn && say(words.loading), 300);
    try {
      const response = await fetch(`/api/emoji?limit=${LIMIT}&q=${encodeURIComponent(query)}`);
      answer = response.ok && (await response.json()).emoji;
    } catch {
      answer = null;
    }
    clearTimeout(late);
    if (answer) {
      if (answers.size > 200) answers.clear();
      answers.set(query, answer);
      for (const item of answer) for (const emoji of [item.emoji, ...(item.skin_tones ?? [])]) known.set(emoji, item);
    }
    if (mine !== turn) return;
    parts.list.removeAttribute("aria-busy");
  }
  found = answer || [];
  chosen = query && found.length ? 0 : -1;
  say(answer ? (found.length ? "" : words.none) : words.failed);
  draw();
}

const say = (text) => (parts.status.textContent = text);
const options = () => [...parts.list.querySelectorAll("[role=option]")];

function draw() {
  let id = 0;
  const option = (emoji, item) => {
    const attributes = { role: "option", id: `emoji-option-${id++}`, "data-emoji": emoji, translate: "no" };
    if (item) Object.assign(attributes, { "aria-label": nameOf(item), title: `:${item.shortcode}:` });
    return make("div", attributes, emoji);
  };
  const group = (label, children) => make("div", { role: "group", "aria-label": label }, ...children);
  const used = parts.input.value.trim() ? [] : recent().slice(0, 16);
  const groups = [];
  if (used.length) groups.push(group(words.recent, used.map((emoji) => option(emoji, known.get(emoji)))));
  const toned = (item) => (tone && item.skin_tones ? item.skin_tones[tone - 1] : item.emoji);
  if (found.length) groups.push(group(words.emoji, found.map((item) => option(toned(item), item))));
  parts.list.replaceChildren(...groups);
  parts.list.scrollTop = 0;
  choose(chosen);
}

function choose(at) {
  const all = options();
  chosen = Math.max(-1, Math.min(at, all.length - 1));
  all.forEach((option, index) => option.setAttribute("aria-selected", index === chosen));
  const option = all[chosen];
  parts.name.textContent = (option && [option.getAttribute("aria-label"), option.title].filter(Boolean).join(" ")) || "";
  if (!option) return parts.input.removeAttribute("aria-activedescendant");
  parts.input.setAttribute("aria-activedescendant", option.id);
}

/** To the nearest emoji of the row above or below; above the first row back to the text. */
function moveRow(step) {
  const all = options();
  const here = all[chosen];
  if (!here) return step > 0 ? 0 : -1;
  const beyond = all.filter((option) => (option.offsetTop - here.offsetTop) * step > 0);
  if (!beyond.length) return step > 0 ? chosen : -1;
  const top = (step > 0 ? beyond[0] : beyond.at(-1)).offsetTop;
  const distance = (option) => Math.abs(option.offsetLeft - here.offsetLeft);
  const row = beyond.filter((option) => option.offsetTop === top).sort((a, b) => distance(a) - distance(b));
  return all.indexOf(row[0]);
}

function onKey(event) {
  if (event.isComposing || event.keyCode === 229 || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
  const isAmong = isMoving || !parts.input.value;
  const moves = {
    ArrowDown: () => moveRow(1),
    ArrowUp: () => moveRow(-1),
    ArrowRight: () => (isAmong ? chosen + 1 : null),
    ArrowLeft: () => (isAmong ? Math.max(chosen - 1, 0) : null),
  };
  if (event.key === "Enter") {
    event.preventDefault();
    return options()[chosen]?.click();
  }
  const to = moves[event.key]?.() ?? null;
  if (to === null) return;
  event.preventDefault();
  isMoving = to >= 0;
  choose(to);
  options()[chosen]?.scrollIntoView({ block: "nearest" });
}
