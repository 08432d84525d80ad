// Helpers for writing and reading messages, loaded by live.js when one is first used: the preview of a
// message, the list that completes an emoji or the name of somebody to mention, and the button that copies a block of code. It changes the page only when
// that is live, because the browser half compares it with what the server sent.
const root = document.documentElement;
const words = document.getElementById("words").dataset;
const lang = root.lang;
const isLive = () => root.dataset.hydrated;
// The field of a message that is written, or edited in its place, which has no form and no preview.
const fieldOf = (target) => (target.matches?.(":is(.composer, .message-editor) textarea") ? target : null);

// The preview. live.js and the handlers below keep the button from sending its form, which shows the same without a script.
const box = (field) => field.form?.querySelector(".composer__preview");
let asked = 0;

export async function preview(field) {
  const shown = box(field);
  const text = field.value;
  const turn = ++asked;
  if (shown.hasChildNodes() || !text.trim()) return clear();
  let html;
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch("/api/markdown", { method: "POST", headers, body: JSON.stringify({ text }) });
    const answer = await response.json();
    html = response.ok ? answer.html : null;
    if (turn !== asked) return;
    if (html === null) return void (shown.textContent = words.fault);
  } catch {
    if (turn === asked) shown.textContent = words.fault;
    return;
  }
  // Made by the server, which lets no tag of a text through.
  shown.innerHTML = html;
}

function clear() {
  asked++;
  for (const shown of document.querySelectorAll(".composer__preview")) shown.replaceChildren();
}

// The list of emoji, or of people. The focus stays in the field, which says by aria-activedescendant what is chosen.
let list;
let found = [];
let opened;
let chosen = 0;
let wanted = 0;
let dismissed = "";
const cache = new Map();

const emojis = {
  label: words.emoji,
  async find(query) {
    if (cache.size > 200) cache.clear();
    if (!cache.has(query)) {
      const response = await fetch(`/api/emoji?q=${encodeURIComponent(query)}`);
      cache.set(query, response.ok ? (await response.json()).emoji : []);
    }
    return cache.get(query);
  },
  show(option, { emoji, shortcode, name, name_ja }) {
    option.append(emoji, " ", lang === "ja" && name_ja ? name_ja : `:${shortcode}:`);
    option.title = lang === "ja" ? `:${shortcode}:` : name;
  },
  text: ({ emoji }) => emoji,
};

// Nothing is kept: people come and go.
const people = {
  label: words.people,
  async find(query) {
    const room = location.pathname.split("/")[2];
    const response = await fetch(`/api/rooms/${room}/people?limit=8&prefix=${encodeURIComponent(query)}`);
    const others = response.ok ? (await response.json()).filter(({ id }) => id !== root.dataset.me) : [];
    const names = [...new Set(others.map(({ name }) => name))];
    const groups = ["here", "room"].filter((name) => name.startsWith(query.normalize("NFKC").toLowerCase()));
    return [...names.map((name) => ({ name })), ...groups.map((name) => ({ name, who: words[name] }))];
  },
  show(option, { name, who }) {
    const shown = document.createElement("bdi");
    shown.textContent = name;
    option.append("@", shown);
    if (who) option.append(" ", who);
  },
  text: ({ name }) => `@${name} `,
};

/** The beginning of a shortcode or of a name before the caret. Without spaces between words, as in Japanese, one sign is enough. */
function typed(field) {
  if (field.selectionStart !== field.selectionEnd) return null;
  const before = field.value.slice(0, field.selectionStart);
  const match = /(?:^|[^\p{ASCII}]|[\s(\[*_~"'])[:：]((?:[a-z0-9+-][a-z0-9_+-]+|[^\p{ASCII}\p{P}\p{Z}\p{C}][^\p{ASCII}\s]*))$/iu.exec(before);
  const name = /(?:^|[^\p{L}\p{N}_@＠]|[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}ー])[@＠]((?:[^\s@＠][^\n@＠]{0,79})?)$/u.exec(before);
  const [query, kind] = match ? [match[1], emojis] : name ? [name[1], people] : [];
  const start = before.length - query?.length - 1;
  return kind && { kind, query, typed: before.slice(start), start, end: before.length };
}

async function complete(field) {
  const part = typed(field);
  const turn = ++wanted;
  if (!part || (dismissed && part.typed.startsWith(dismissed))) {
    if (!part) dismissed = "";
    return close();
  }
  dismissed = "";
  const next = await part.kind.find(part.query).catch(() => []);
  if (turn !== wanted) return;
  // A longer name than one that nobody has is nobody's either.
  if (!next.length) dismissed = part.typed;
  open(field, part.kind, next);
}

function open(field, kind, next) {
  if (!next.length || document.activeElement !== field) return close();
  [found, opened] = [next, kind];
  if (!list?.isConnected) {
    list = document.createElement("ul");
    list.id = "emoji";
    list.className = "emoji-list";
    list.setAttribute("role", "listbox");
    field.closest(".composer, .message-editor").append(list);
  }
  list.setAttribute("aria-label", kind.label);
  list.replaceChildren(
    ...found.map((one, at) => {
      const option = document.createElement("li");
      option.id = `emoji-${at}`;
      option.setAttribute("role", "option");
      option.setAttribute("translate", "no");
      kind.show(option, one);
      return option;
    }),
  );
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "emoji");
  choose(field, 0);
}

function choose(field, at) {
  chosen = (at + found.length) % found.length;
  [...list.children].forEach((option, index) => option.setAttribute("aria-selected", index === chosen));
  list.children[chosen].scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", `emoji-${chosen}`);
}

function close() {
  wanted++;
  if (!list?.isConnected) return;
  const field = list.parentElement.querySelector("textarea");
  for (const name of ["aria-autocomplete", "aria-controls", "aria-activedescendant"]) field.removeAttribute(name);
  list.remove();
}

function insert(field) {
  const part = typed(field);
  const one = found[chosen];
  close();
  if (part?.kind !== opened || !one) return;
  const text = opened.text(one);
  dismissed = text; // it is no beginning of a longer name now
  field.focus();
  field.setSelectionRange(part.start, part.end);
  // The browser can undo this one. It tells the page by an event of its own.
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, part.start, part.end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** Keys while the list is open. Nobody else may hear them: Enter would send. */
function onKey(event, field) {
  const keys = {
    ArrowDown: () => choose(field, chosen + 1),
    ArrowUp: () => choose(field, chosen - 1),
    Enter: () => insert(field),
    Tab: () => insert(field),
    Escape: () => ((dismissed = typed(field)?.typed ?? ""), close()),
  };
  const act = keys[event.key];
  if (!act || event.isComposing || event.keyCode === 229 || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
}

addEventListener(
  "keydown",
  (event) => {
    const field = fieldOf(event.target);
    if (!field) return;
    if (list?.isConnected) onKey(event, field);
    else if (event.key === "Escape" && box(field)?.hasChildNodes()) (event.stopImmediatePropagation(), clear());
  },
  true,
);
addEventListener("input", ({ target, isComposing }) => onInput(target, isComposing));
addEventListener("compositionend", ({ target }) => onInput(target, false));
addEventListener("submit", () => (close(), clear()));
addEventListener("focusout", ({ target }) => fieldOf(target) && close());
addEventListener("selectionchange", () => {
  const field = list?.isConnected && fieldOf(document.activeElement);
  if (field && !typed(field)) close();
});
// Before the field loses the focus.
addEventListener("pointerdown", (event) => {
  const option = event.target.closest?.(".emoji-list [role=option]");
  if (!option) return;
  event.preventDefault();
  chosen = [...list.children].indexOf(option);
  insert(list.parentElement.querySelector("textarea"));
});

export function onInput(target, isComposing) {
  const field = fieldOf(target);
  if (!field || !isLive()) return;
  clear(); // it shows another text
  if (!isComposing) complete(field);
}

// The page empties the field when a message is sent with Enter, without an event.
addEventListener("keydown", ({ key, shiftKey, target }) => key === "Enter" && !shiftKey && fieldOf(target) && clear());

// The colours of code in a language, when it comes into view.
const inView = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => isIntersecting && colour(target)));

async function colour(message) {
  inView.unobserve(message);
  const codes = [...message.querySelectorAll(".formatted pre > code")];
  const room = location.pathname.split("/")[2];
  try {
    const response = await fetch(`/api/rooms/${room}/messages/${message.dataset.offset}/code`);
    if (!response.ok) return;
    const { blocks } = await response.json();
    // Made by the server, which lets no tag of a text through. The same text, unless the message was edited meanwhile.
    const made = blocks.map((html) => Object.assign(document.createElement("code"), { innerHTML: html ?? "" }));
    codes.forEach((code, at) => made[at]?.textContent === code.textContent && code.replaceChildren(...made[at].childNodes));
  } catch {
    // Without its colours it is as readable as before.
  }
}

/** Waits for those that are there, and those that come. */
export function colours() {
  const find = () =>
    document.querySelectorAll(".formatted code[class]:not([data-seen])").forEach((code) => {
      code.dataset.seen = "";
      const message = code.closest(".message[data-offset]");
      if (message) inView.observe(message);
    });
  find();
  new MutationObserver(find).observe(document.body, { childList: true, subtree: true });
}

// The button of a block of code, where the pointer or the focus is.
export function onCode(target) {
  const code = target.closest?.(".formatted pre");
  if (!code || !isLive() || code.nextElementSibling?.matches(".copy-code")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-code";
  button.textContent = words.copy;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => {
    const told = () => (button.textContent = words.copied);
    getSelection().selectAllChildren(code);
    // Without TLS a page may not write to the clipboard; the code is selected then.
    navigator.clipboard?.writeText(code.textContent.replace(/\n$/, "")).then(told);
  });
  code.after(button);
}
for (const type of ["pointerover", "focusin"]) addEventListener(type, ({ target }) => onCode(target));
