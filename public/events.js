// The talk about events: fills in what only the server draws (server/http/pages/talk). On the page of the feed that is the link
// to the board, and how many channels are muted. At each notification of the feed that
// is the link that begins to talk about it and those to the rooms where somebody does, and in a message that links to an
// event the newest state of that event. live.js loads it when a page has one of them.
//
// It asks again when an event came, when the page is looked at again, and now and then, because nothing tells a page of the
// feed what is said in rooms. Without this file there is what the server has drawn.
const ASKED_MAX = 50; // as the server answers
const SOON_MS = 300; // rows come many at once
const EVERY_MS = 15_000;
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

async function ask() {
  clearTimeout(timer);
  timer = undefined;
  if (document.hidden || asking) return;
  const [shown, linked, about] = [rows(), links(), app.querySelector(".feed-about")];
  if (!shown.length && !linked.length && !isUnfilled(about)) return;
  const query = new URLSearchParams({ rows: shown.map(({ dataset }) => dataset.offset), links: [...new Set(linked.map(([, event]) => event))] });
  asking = true;
  try {
    const response = await fetch(`/fn/events?${query}`);
    if (!response.ok) return;
    const parts = await response.json();
    if (isUnfilled(about)) fill(about, parts.about);
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

const soon = () => (timer ??= setTimeout(ask, SOON_MS));
const isUnfilled = (element) => element && !element.firstChild && element.dataset.filled === undefined;
const isNew = () => isUnfilled(app.querySelector(".feed-about")) || rows().some((row) => isUnfilled(slot(row))) || links().some(([link, event]) => link.dataset.event !== event);

new MutationObserver(() => isNew() && soon()).observe(app, { childList: true, subtree: true });
addEventListener("idobata:event", soon);
addEventListener("visibilitychange", soon);
setInterval(soon, EVERY_MS);
if (isNew()) soon();
