// The script of the board (src/server/http/account_pages/board.rs): listens to the feed, and puts in what the server draws
// now, a while after something came, because many things may come at once. Without it the browser reads the page again.
const PAUSE_MS = 2_000; // the shortest time between two reads
const EVERY_MS = 60_000; // jobs become late without an event
const AFTER_MS = 300;

const board = document.getElementById("board");
const note = document.getElementById("not-live");
const { lang } = document.documentElement;
const locale = navigator.languages.find((tag) => tag.split("-")[0] === lang) ?? lang;
const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

/** Times in the reader's zone. */
function times() {
  const today = new Date().toDateString();
  for (const time of board.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.textContent = (at.toDateString() === today ? clock : day).format(at);
    time.title = whole.format(at);
  }
}

let timer;
let last = 0;
let isOpen = true;
let reading = false;

function soon() {
  timer ??= setTimeout(read, Math.max(AFTER_MS, last + PAUSE_MS - Date.now()));
}

async function read() {
  timer = undefined;
  if (document.hidden) return;
  if (reading) return soon();
  reading = true;
  last = Date.now();
  try {
    const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!response.ok || response.redirected) throw new Error(response.status);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    draw(page);
    note.hidden = isOpen;
  } catch {
    note.hidden = false;
  } finally {
    reading = false;
  }
}

function draw(page) {
  const next = page.getElementById("board");
  if (!next) return;
  const isUnfolded = document.getElementById("quiet")?.open;
  const focused = board.contains(document.activeElement) && document.activeElement.getAttribute("href");
  const quiet = next.querySelector("#quiet");
  if (quiet) quiet.open = isUnfolded ?? false;
  document.title = page.title;
  board.replaceChildren(...next.childNodes);
  times();
  if (focused) board.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

let stream;

function listen() {
  stream = new EventSource("/api/events");
  stream.onopen = () => {
    isOpen = true;
    soon(); // what came while it was not connected
  };
  stream.onerror = () => {
    isOpen = false;
    note.hidden = false;
    // A browser gives up when the server answers that it is too busy, or is not there yet.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 10_000);
  };
  // An entry's type comes first. Values are many, and none is on the board.
  stream.onmessage = ({ data }) => data.startsWith('{"type":"update"') || soon();
}

times();
listen();
setInterval(soon, EVERY_MS);
addEventListener("visibilitychange", () => document.hidden || soon());
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", ({ persisted }) => persisted && (listen(), soon()));
