// Makes the page live: loads the browser half once the page is on the screen, so that it does not compete with the text,
// as it would with Leptos' own script. The next animation frame would be too soon, because it is shown a while after it
// is drawn. A hidden page is not painted, so there it loads at once. app/shell/early.js loads this file, again if that fails.
//
// A download that fails or hangs is tried again. HTML that was changed on its way (by a proxy, an extension, a translator)
// is not taken over but drawn anew, with what was typed into it.
//
// All of it stands in one block: a file that is cut on its way is then no script, and is loaded again.
{
const LIMIT_MS = 60_000; // for one try of a download: 250 kB at 33 kbit/s
const TRIES = 4;
const root = document.documentElement;
const app = document.getElementById("app");
const live = window.idobata;
// Asked for twice, when the first one came after all.
const isFirst = !live.started;
live.started = true;

async function download(attempt) {
  const query = attempt ? `?${attempt}` : "";
  const stop = new AbortController();
  const file = fetch(new URL(`idobata.wasm${query}`, import.meta.url), { signal: stop.signal });
  const checked = file.then((response) => (response.ok ? response : Promise.reject(response.status)));
  const glue = Promise.all([import(`./idobata.js${query}`), checked]);
  const loaded = glue.then(async ([module]) => (await module.default({ module_or_path: checked }), module));
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => (stop.abort(), reject(new Error("the download takes too long"))), LIMIT_MS);
  });
  return Promise.race([loaded, late]).finally(() => clearTimeout(timer));
}

async function load() {
  for (let attempt = 0; ; ) {
    try {
      return await download(attempt);
    } catch {
      if (++attempt === TRIES) throw new Error("the browser half cannot be loaded");
      await new Promise((resolve) => {
        setTimeout(resolve, 1000 * 3 ** (attempt - 1));
        addEventListener("online", resolve, { once: true });
      });
    }
  }
}

// The same as server/http/pages/node_signature.rs computes of what the server sent.
function signature() {
  let hash = 0;
  for (const walk = document.createTreeWalker(app, 133); walk.nextNode(); )
    for (const letter of `${walk.currentNode.nodeName.toLowerCase()};`) hash = (Math.imul(hash, 31) + letter.charCodeAt()) | 0;
  return String(hash >>> 0);
}

// Everything that can have the focus or a value, by a key that is the same when the page is drawn anew.
function controls() {
  const found = new Map();
  for (const element of app.querySelectorAll("a, button, summary, textarea, input:not([type=hidden])")) {
    const path = (element.form?.getAttribute("action") ?? element.getAttribute("href") ?? "").split("?")[0];
    const key = [element.localName, path, element.name || element.className].join(" ");
    let count = 0;
    while (found.has(key + count)) count++;
    found.set(key + count, element);
  }
  return found;
}

function restore(control, old, hadFocus) {
  if ("defaultValue" in old && old.value !== old.defaultValue) control.value = old.value;
  if (old.checked !== undefined) control.checked = old.checked;
  if (old.localName === "summary") control.parentElement.open = old.parentElement.open;
  if (!hadFocus) return;
  control.focus();
  if (old.selectionStart != null) control.setSelectionRange(old.selectionStart, old.selectionEnd);
}

function drawAnew(module) {
  const [before, focused, top] = [controls(), document.activeElement, scrollY];
  const places = [...app.querySelectorAll(".message-list__scroller")].map((scroller) => scroller.scrollTop);
  const sent = [...app.childNodes];
  const opened = HTMLElement.prototype.showPopover ? [...app.querySelectorAll(":popover-open")].map(({ id }) => id) : [];
  try {
    module.start(true);
  } catch (error) {
    app.replaceChildren(...sent);
    throw error;
  }
  for (const id of opened) document.getElementById(id)?.showPopover();
  for (const [key, control] of controls()) if (before.has(key)) restore(control, before.get(key), before.get(key) === focused);
  app.querySelectorAll(".message-list__scroller").forEach((scroller, at) => (scroller.scrollTop = places[at]));
  scrollTo(scrollX, top);
}

async function begin() {
  if (typeof WebAssembly !== "object") return live.dead();
  try {
    let module = await load();
    live.stop = () => module.stop();
    try {
      if (signature() === document.getElementById("start").dataset.nodes) module.start(false);
      else drawAnew(module);
    } catch {
      module.stop();
      module = await download(TRIES);
      drawAnew(module);
    }
  } catch {
    return live.dead();
  }
  live.settled = true;
  setTimeout(() => performance.mark("live"));
  notify();
  addEventListener("storage", notify);
  addEventListener("keydown", onKey);
  // The service worker comes last of all, and only where the app can be installed.
  const offline = () => import("./offline.js").catch(() => {});
  if (navigator.serviceWorker && document.querySelector("[rel=manifest]")) (window.requestIdleCallback ?? setTimeout)(offline);
}

// The quick switcher. Once it is there it opens at once: the next key is for it.
let switcher;
function onKey(event) {
  if (event.key?.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  event.preventDefault();
  if (switcher) return switcher.toggle();
  import("./switcher.js").then((loaded) => (switcher = loaded).toggle(), () => {});
}

// Notifications of an open page, where the page /notifications has switched them on in this browser.
function notify() {
  try {
    if (["notify", "sound"].some((what) => localStorage.getItem(`idobata.${what}`))) import("./page_notifications.js").catch(() => {});
  } catch {
    // The browser keeps nothing for this site.
  }
}

let late = isFirst && setTimeout(() => ((late = null), begin()), document.hidden ? 0 : 500);
const painted = (_, observer) => {
  observer.disconnect();
  if (late) late = void clearTimeout(late), begin();
};
if (isFirst && window.PerformanceObserver) new PerformanceObserver(painted).observe({ type: "paint", buffered: true });

// The days of links are those of the reader's zone (server/http/pages/linked.rs).
document.cookie = `idobata_zone=${new Date().getTimezoneOffset()}; path=/; max-age=31536000; samesite=lax`;

// The current room is in view in the sidebar.
const reveal = () => document.querySelector(".navigation [aria-current=page]")?.scrollIntoView({ block: "nearest" });
reveal();
document.addEventListener("toggle", (event) => event.target.id === "sidebar" && reveal(), true);
new MutationObserver(reveal).observe(app, { subtree: true, attributeFilter: ["aria-current"] });

// Another page of the app is shown in place, below the sidebar of a small screen.
addEventListener("click", ({ target }) => {
  const sidebar = target.closest?.("#sidebar");
  if (sidebar?.hidePopover && target.closest("a")) sidebar.hidePopover();
});

// What was typed and not sent before the page is live is stored as app/sync/outbox.rs stores it after.
let isSent = false;
addEventListener("submit", (event) => (isSent ||= event.target.matches(".composer")));
addEventListener("pagehide", () => {
  const text = app.querySelector(".composer textarea")?.value;
  if (!text || isSent || root.dataset.hydrated) return;
  try {
    const room = decodeURIComponent(location.pathname.split("/")[2]);
    sessionStorage.setItem(`idobata.text.${root.dataset.me}.${room}`, text);
  } catch {
    // The browser keeps nothing for this origin.
  }
});

// People and feed beside the conversation are hidden and shown in place. The link's address keeps the choice.
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-aside]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  root.dataset.aside = link.dataset.aside;
  fetch(link.href, { redirect: "manual", keepalive: true }).catch(() => {});
  link.parentElement.querySelector(`a[data-aside]:not([data-aside=${link.dataset.aside}])`).focus();
});

// A keyboard on the screen covers the page's end, and some browsers tell only by the visual viewport.
if (window.visualViewport) {
  const fit = () => {
    const isCovered = innerHeight - visualViewport.height > 80 && visualViewport.scale === 1;
    root.style.setProperty("--viewport-height", isCovered ? `${visualViewport.height}px` : "");
    if (isCovered) scrollTo(0, 0);
  };
  visualViewport.addEventListener("resize", fit);
}

// A sign of the person, once a minute at most: without one for a while, on any device, the others see them as away.
let nextSign = performance.now() + 60_000;
const sign = () => {
  const isNeeded = performance.now() > nextSign && !document.hidden && navigator.onLine && root.dataset.me;
  if (!isNeeded || !app.querySelector("[data-connection=open]")) return;
  nextSign = performance.now() + 60_000;
  fetch("/api/user/active", { method: "POST" }).catch(() => {});
};
for (const kind of ["pointermove", "pointerdown", "keydown", "visibilitychange"]) addEventListener(kind, sign, { passive: true });

// The name of somebody who is mentioned leads to their card.
addEventListener("click", ({ target }) => {
  const person = target.closest?.(".mention[data-user]")?.dataset.user;
  if (person && !getSelection().toString()) location.href = `/people/${encodeURIComponent(person)}`;
});

// The chart of a channel's page.
const showChannel = () => import("./channel.js").then((module) => module.show()).catch(() => {});
addEventListener("idobata:channel", showChannel);

// A button copies the text of the element that it names.
addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) return;
  getSelection().selectAllChildren(source);
  // Without TLS a page may not write to the clipboard; the text is selected then.
  navigator.clipboard?.writeText(source.textContent).then(() => {
    const label = button.querySelector("[data-copied]");
    if (label) label.textContent = label.dataset.copied;
  });
});

// Rarely used parts are loaded when they are first used: the preview, the lists of emoji and of people, and the button that copies code.
const field = ({ target }) => (target.matches?.(":is(.composer, .message-editor) textarea") ? target : null);
const isPreview = (event) => root.dataset.hydrated && event.target.closest?.("[name=preview]");
let more;
const use = (act) => (more ??= import("./messages.js")).then(act).catch(() => (more = undefined));
const preview = (event, { form }) => {
  event.preventDefault();
  use((module) => module.preview(form.elements.text));
};
addEventListener("click", (event) => isPreview(event) && preview(event, event.target.closest("[name=preview]")));
addEventListener("keydown", (event) => {
  const { altKey, ctrlKey, metaKey, code } = event;
  if (altKey && !ctrlKey && !metaKey && code === "KeyP" && root.dataset.hydrated && field(event)?.form) preview(event, event.target);
});
addEventListener("input", (event) => {
  if (!more && /[:：@＠]/.test(field(event)?.value)) use((module) => module.onInput(event.target, event.isComposing));
});
for (const type of ["pointerover", "focusin"])
  addEventListener(type, ({ target }) => !more && target.closest?.(".formatted pre") && use((module) => module.onCode(target)));

// What is loaded once the page has something for it: the colours of code, and the talk about events.
const once = (selector, act) => {
  const seen = new MutationObserver(() => {
    if (!root.dataset.hydrated || !document.querySelector(selector)) return;
    seen.disconnect();
    act();
  });
  seen.observe(root, { childList: true, subtree: true, attributeFilter: ["data-hydrated"] });
};
once(".composer", () => import("./files.js").catch(() => {}));
once(".files", () => import("./pictures.js").catch(() => {}));
once(".formatted code[class]", () => use((module) => module.colours()));
once(".feed-about, .feed-period, .notifications .notification, .formatted a[href*='/feed/']", () => import("./events.js").catch(() => {}));

// Reactions. The quick ones of a message's menu are those that were used last on this device; the picker is loaded when it
// may be wanted.
const used = () => {
  try {
    return (localStorage["idobata.emoji"] ?? "").split(" ").filter(Boolean);
  } catch {
    return []; // the browser keeps nothing for this origin
  }
};
let usual;
let picker;
const loadPicker = () => (picker ??= import("./reactions.js").catch(() => (picker = undefined)));
document.addEventListener(
  "beforetoggle",
  ({ target, newState }) => {
    if (!target.matches?.(".message-menu") || newState !== "open") return;
    loadPicker();
    const quick = [...target.querySelectorAll("[data-emoji]")];
    usual ??= quick.map(({ dataset }) => dataset.emoji);
    const shown = [...new Set([...used(), ...usual])];
    quick.forEach((button, at) => (button.textContent = button.dataset.emoji = shown[at]));
  },
  true,
);
document.addEventListener(
  "toggle",
  ({ target, newState }) => {
    if (target.matches?.(".emoji-picker") && newState === "open") loadPicker().then((module) => module?.open(target));
  },
  true,
);
addEventListener("click", ({ target }) => {
  const emoji = target.closest?.("[data-emoji]")?.dataset.emoji;
  if (!emoji) return;
  try {
    localStorage["idobata.emoji"] = [...new Set([emoji, ...used()])].slice(0, 24).join(" ");
  } catch {
    // The menu offers the usual ones.
  }
});
// A long press on a message opens its menu. That of a link or a field in it is the browser's; on a reaction it
// shows the people, as a pointer would.
addEventListener("contextmenu", (event) => {
  if (event.pointerType !== "touch" || !root.dataset.hydrated || event.target.closest("a, textarea, input, .reaction")) return;
  const more = event.target.closest(".message")?.querySelector(".message__more");
  if (!more) return;
  event.preventDefault();
  more.click();
});

// All tabs of a browser belong to one user, because the last cookie counts for all of them. Two tabs that a new browser
// opens at once start as two users, and so does a tab that stays open while another signs in as a different user. So each
// page tells the others of its origin its user, and a page of a different user reloads itself.
try {
  const { me } = root.dataset;
  const compare = (id) => me && id && id !== me && location.reload();
  addEventListener("storage", (event) => event.key === "idobata.me" && compare(event.newValue));
  addEventListener("pageshow", (event) => event.persisted && compare(localStorage["idobata.me"]));
  if (me) localStorage["idobata.me"] = me;
} catch {
  // The browser keeps nothing for this origin.
}
}
