// The talk about events: fills in what only the server draws (server/http/pages/talk). On the page of the feed that is the link
// to the board, and how many channels are muted. At each notification of the feed that
// is the link that begins to talk about it and those to the rooms where somebody does, and in a message that links to an
// event the newest state of that event. live.js loads it when a page has one of them.
//
// It also fills in the fields of a period in the feed's filter (server/http/pages/period) and the commands that publish the first
// event (server/http/pages/first_event.rs).
//
// It asks again when an event came, when what is unread changed (somebody has said something in a room), and when the page is
// looked at again; besides now and then, the more seldom the longer nothing has changed, because a room that nobody of this
// page follows tells it nothing. A page that nobody looks at never asks. Without this file there is what the server has drawn.
const ASKED_MAX = 50; // as the server answers
const SOON_MS = 300; // rows come many at once
const EVERY_MS = 15_000;
const SELDOM_MS = 120_000;
// The elements of the page that have one part each.
const EMPTY = { "feed-about": "about", "feed-period": "period", "first-event": "first" };
const EVENT = /^\/feed\/([^/]+\/\d+(?:-[0-9a-f]+)?)$/;

const app = document.getElementById("app");

const rows = () => [...app.querySelectorAll(".notifications .notification")].slice(0, ASKED_MAX);
const slot = (row) => row.querySelector(".notification__talk");

/** The links of messages to events of this server, with `channel/event`: the newest are the last. */
const links = () => {
  const found = [...app.querySelectorAll(".formatted a[href*='/feed/']")].map((link) => [link, link.origin === location.origin && EVENT.exec(link.pathname)?.[1]]);
  return found.filter(([, event]) => event).slice(-ASKED_MAX);
};

function fill(element, html) {
  // What has the focus stays as it is.
  if (element.dataset.filled === html || element.contains(document.activeElement)) return;
  element.dataset.filled = html;
  // HTML of this server, which is the same as it puts into its own document.
  element.innerHTML = html;
}

/** The state behind a link; made where it is missing. */
function stateOf(link, html) {
  const next = link.nextElementSibling;
  const known = next?.matches(".event-state") ? next : undefined;
  if (known?.outerHTML === html) return;
  known?.remove();
  if (html) link.insertAdjacentHTML("afterend", html);
}

let timer;
let asking;
let pause = EVERY_MS;
let known;

async function ask() {
  clearTimeout(timer);
  timer = undefined;
  if (document.hidden) return;
  if (asking) return soon();
  const [shown, linked] = [rows(), links()];
  const empty = empties();
  if (shown.length || linked.length || empty.length) await fillIn(shown, linked, empty);
  timer ??= setTimeout(ask, pause);
}

async function fillIn(shown, linked, empty) {
  const first = empty.find(({ dataset }) => dataset.channel)?.dataset.channel;
  const query = new URLSearchParams({ rows: shown.map(({ dataset }) => dataset.offset), links: [...new Set(linked.map(([, event]) => event))], ...(first && { first }) });
  asking = true;
  try {
    const response = await fetch(`/fn/events?${query}`);
    if (!response.ok) return;
    const text = await response.text();
    const parts = JSON.parse(text);
    pause = text === known ? Math.min(2 * pause, SELDOM_MS) : EVERY_MS;
    known = text;
    for (const element of empty) fill(element, parts[EMPTY[element.className]] ?? "");
    own();
    for (const row of shown) fill(slot(row), parts.rows[row.dataset.offset] ?? "");
    for (const [link, event] of linked) {
      link.dataset.event = event;
      stateOf(link, parts.links[event] ?? "");
    }
  } catch {
    // The next time.
  } finally {
    asking = false;
  }
}

// What the server knows less well than the browser: the address by which this reached it, and the name of the reader's zone.
function own() {
  for (const command of app.querySelectorAll("[data-origin]")) {
    if (command.dataset.origin === location.origin) continue;
    command.textContent = command.textContent.replaceAll(command.dataset.origin, location.origin);
    command.dataset.origin = location.origin;
  }
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  for (const zone of app.querySelectorAll("[name=zone]:not([data-named])")) {
    zone.dataset.named = "";
    zone.value = timeZone;
  }
}

let next;
const soon = () => {
  if (next) return;
  next = setTimeout(() => {
    next = undefined;
    ask();
  }, SOON_MS);
};
const again = () => {
  pause = EVERY_MS;
  soon();
};
const isUnfilled = (element) => element && !element.firstElementChild && element.dataset.filled === undefined;
const empties = () => [...app.querySelectorAll(Object.keys(EMPTY).map((name) => `.${name}`).join())].filter(isUnfilled);
const isNew = () => empties().length || rows().some((row) => isUnfilled(slot(row))) || links().some(([link, event]) => link.dataset.event !== event);

new MutationObserver(() => isNew() && soon()).observe(app, { childList: true, subtree: true });
for (const kind of ["idobata:event", "idobata:unread", "visibilitychange"]) addEventListener(kind, again);
own();
if (isNew()) soon();
else timer = setTimeout(ask, pause);
