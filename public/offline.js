// The page's side of public/service-worker.js: registers it, tells it when a page is worth a new copy, and takes the sentence
// off a copy once it is live. public/live.js loads it when the page is live and idle.
//
// A browser without service workers, or one that allows none to this site, never gets further than the first lines.
const { serviceWorker } = navigator;
const root = document.documentElement;
const PAUSE_MS = 10_000; // between two copies of a page that is looked at every now and then

/** The address of the page without a thread or a message. */
const path = () => /^\/((feed|rooms)\/[^/]+)?/.exec(location.pathname)[0];

const copy = async () => navigator.onLine && (await serviceWorker.ready).active.postMessage({ copy: path() });

serviceWorker.register("/service-worker.js").catch(() => {});

// A page that was loaded before there was a worker. (It may have come since.)
if (!performance.getEntriesByType("navigation")[0]?.workerStart) copy();

// What was said since the page came is in the copy of a page that is left.
let left = -PAUSE_MS;
addEventListener("visibilitychange", () => {
  if (!document.hidden || performance.now() - left < PAUSE_MS) return;
  left = performance.now();
  copy();
});

// Pages that are shown in place. Their title comes with them.
let shown = path();
new MutationObserver(() => {
  if (shown === path()) return;
  shown = path();
  setTimeout(copy, 1_000);
}).observe(document.head, { subtree: true, childList: true, characterData: true });

const note = document.getElementById("as-of");
if (note) {
  const isLive = () => document.querySelector("#app [data-connection=open]");
  const remove = (_, observer) => isLive() && (observer.disconnect(), note.remove());
  const observer = new MutationObserver(remove);
  observer.observe(root, { subtree: true, childList: true, attributeFilter: ["data-connection"] });
  remove(undefined, observer);
}
