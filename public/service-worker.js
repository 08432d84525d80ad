// The service worker of the app: it starts the app without a network, and shows notifications.
//
// It keeps the files of this build, and the pages of the feed and of the rooms as they were seen last. A page comes from
// the network wherever there is one. Without one it is the copy, which says so and of when it is; its live connection goes on
// from the copy's cursor, so that nothing is missing or doubled once the network is back.
//
// It must never answer for anything else: no form, no stream, no poll, no address of the API, and no data of a page that
// is live. It must never show a page to another person than the one for whom it was made: copies are forgotten when somebody
// signs in or out, and when a page of another person comes. It must never keep the site from working: whatever fails
// here, the request goes to the network as if there were no worker.
"use strict";

const BUILD = "VERSION_OF_THE_BUILD"; // written by the server

const FILES = `idobata-files-${BUILD}`;
const COPIES = "idobata-pages"; // of all builds: a page may come before the worker of its build
const NAMES = ["idobata.css", "idobata.js", "idobata.wasm", "live.js", "messages.js", "offline.js", "reactions.js"];
const SHELL = NAMES.map((name) => `/pkg/${BUILD}/${name}`);

const COPIES_MAX = 20;
const COPIES_MAX_BYTES = 4_000_000;
const PATIENCE_MS = 8_000; // then a copy is better than a network that does not answer
const START = "/?start"; // the start page of the manifest

const IS_COPIED = /^\/((feed|rooms)\/[^/]+)?$/;
const IS_FOR_PROGRAMS = /^\/(api|fn|pkg|icons|socket\.io|ws|healthz|readyz|metrics)(\/|$)|^\/[^/]+\.\w+$/;
const CHANGES_PERSON = /^\/(sign-in|sign-out|account|join|reset)(\/|$)/;

const TEXTS = {
  en: {
    asOf: (time) => `Not connected. This page is as of ${time}, and updates itself when the connection is back.`,
    offline: "You are not connected",
    offlineText: "This page cannot be loaded without a connection.",
    copies: "You can read these pages as you saw them last:",
    again: "Try again",
    news: "There is something new for you in Idobata.",
  },
  ja: {
    asOf: (time) => `接続されていません。${time}時点の内容です。接続が戻ると自動的に更新されます。`,
    offline: "接続されていません",
    offlineText: "このページを表示するには接続が必要です。",
    copies: "次のページは、最後に見たときの内容を表示できます。",
    again: "もう一度試す",
    news: "Idobataに新しいお知らせがあります。",
  },
};

// ---- The worker of a build takes over from the one before at once. Open pages go on as they are, and nothing is reloaded.

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(storeShell());
  // Where browsers know how, everything that is not answered here passes the worker by.
  try {
    const isOurs = { or: [{ requestMode: "navigate" }, { urlPattern: `/pkg/${BUILD}/*` }] };
    event.addRoutes?.({ condition: { not: isOurs }, source: "network" })?.catch(() => {});
  } catch {
    // It asks the worker then.
  }
});

async function storeShell() {
  const cache = await caches.open(FILES);
  const store = async (path) => {
    const response = await fetch(path);
    // A node of another build has another file at this address, and says that it is not to be kept.
    const isOfBuild = response.ok && response.headers.get("cache-control")?.includes("immutable");
    if (!isOfBuild) throw new Error(`${path} is not of this build`);
    await cache.put(path, response);
  };
  await Promise.all(SHELL.map(store));
}

addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("idobata-files-") && name !== FILES).map((name) => caches.delete(name)));
  await inTurn(() => dropCopies((copy) => copy.build !== BUILD));
  await registration.navigationPreload?.enable();
  await clients.claim();
}

// ---- Requests.

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode !== "navigate") {
    if (request.method === "GET" && SHELL.includes(url.pathname) && !url.search) event.respondWith(file(request));
  } else if (request.method !== "GET") {
    if (CHANGES_PERSON.test(url.pathname)) event.waitUntil(forgetCopies());
  } else if (!IS_FOR_PROGRAMS.test(url.pathname)) {
    event.respondWith(page(event, url));
  }
});

/** A file of this build, which never changes. */
async function file(request) {
  const kept = await caches.match(request.url, { cacheName: FILES, ignoreVary: true }).catch(() => undefined);
  return kept ?? fetch(request);
}

/** A page from the network, and without one its copy, or the page that says what can be read. */
async function page(event, url) {
  const number = nextNumber();
  const preload = Promise.resolve(event.preloadResponse).catch(() => undefined);
  const network = preload.then((response) => response ?? fetch(event.request)).then((response) => {
    const copy = response.clone();
    event.waitUntil(note(url, copy, number).catch(() => {}));
    return response;
  });
  event.waitUntil(network.catch(() => {}));
  const path = url.pathname + url.search;
  if (path === START) {
    const [last] = await copies().catch(() => []);
    if (last?.build === BUILD) return Response.redirect(last.path);
  }
  const fromCopy = () => copyOf(path).catch(() => undefined);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)).then(fromCopy);
  try {
    return await Promise.race([network, late.then((copy) => copy ?? network)]);
  } catch {
    return (await fromCopy()) ?? offlinePage(path);
  }
}

// ---- Copies of pages. All of them are of one person. What is kept of a copy besides its text stands in its headers.

let last = 0;
let oldest = 0; // answers to requests before this number are of another person, perhaps
let changes = Promise.resolve();

function nextNumber() {
  return ++last;
}

/** Changes of the copies happen one after the other. */
function inTurn(change) {
  changes = changes.then(change, change);
  return changes;
}

/** The copies, the newest first. */
async function copies() {
  const cache = await caches.open(COPIES);
  const responses = await cache.matchAll();
  const all = responses.map(({ headers }) => JSON.parse(decodeURIComponent(headers.get("copy"))));
  return all.sort((one, other) => other.at - one.at);
}

async function dropCopies(isToGo) {
  const cache = await caches.open(COPIES);
  for (const copy of await copies()) if (isToGo(copy)) await cache.delete(copy.path);
}

function forgetCopies() {
  oldest = nextNumber();
  return inTurn(() => caches.delete(COPIES));
}

/** Looks at a page that came from the network: whose it is, and whether it is to be kept. */
async function note({ pathname, search }, response, number) {
  if (response.ok && pathname === "/sign-in") return forgetCopies(); // it is shown to nobody who is signed in
  const isCopied = IS_COPIED.test(pathname) && !search;
  const isGone = response.type === "opaqueredirect" || [401, 403, 404, 410].includes(response.status);
  if (isCopied && isGone) return inTurn(() => dropCopies(({ path }) => path === pathname));
  if (!response.ok || !response.headers.get("content-type")?.startsWith("text/html")) return;
  const html = await response.text();
  const [root] = /<html[^>]*>/.exec(html) ?? [];
  const [, build] = /\/pkg\/(\w+)\/live\.js/.exec(html) ?? [];
  if (!root || !build) return;
  const attribute = (name) => new RegExp(` ${name}="([^"]*)"`).exec(root)?.[1];
  const [, title] = /<title>([^<]*)/.exec(html) ?? [];
  const copy = { path: pathname, at: Date.now(), person: attribute("data-me"), language: attribute("lang"), root, build, title, size: new Blob([html]).size };
  await inTurn(async () => {
    if (number < oldest) return;
    if ((await copies()).some(({ person }) => person !== copy.person)) {
      oldest = number;
      await caches.delete(COPIES);
    }
    // Every page names the rooms that one may enter.
    await dropCopies(({ path }) => path.startsWith("/rooms/") && !html.includes(`href="${path}"`));
    if (isCopied) await store(copy, html, response.headers);
  });
}

async function store(copy, html, original) {
  if (copy.size > COPIES_MAX_BYTES / 4) return;
  const headers = new Headers({ copy: encodeURIComponent(JSON.stringify(copy)) });
  for (const name of ["content-type", "content-security-policy"]) headers.set(name, original.get(name));
  const cache = await caches.open(COPIES);
  await cache.put(copy.path, new Response(html, { headers }));
  let [count, bytes] = [0, 0];
  await dropCopies(({ size }) => ++count > COPIES_MAX || (bytes += size) > COPIES_MAX_BYTES);
}

/** The copy of a page, with a sentence that says of when it is. None: there is no copy that this build can show. */
async function copyOf(path) {
  const cache = await caches.open(COPIES);
  const response = await cache.match(path);
  if (!response) return;
  const { build, at, language } = JSON.parse(decodeURIComponent(response.headers.get("copy")));
  if (build !== BUILD) return;
  const [texts, locale] = inLanguage(language);
  const time = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(at);
  const html = (await response.text())
    .replace(/<body[^>]*>/, (body) => `${body}<p class="as-of" id="as-of" role="status">${texts.asOf(time)}</p>`)
    // A form of the copy is another one than when it was sent first.
    .replace(/(<form [^>]*\?once=)[^"]+/g, (_, before) => before + crypto.randomUUID());
  return new Response(html, { headers: response.headers });
}

function inLanguage(language) {
  const own = navigator.languages.find((tag) => tag.split("-")[0] === language);
  return [TEXTS[language] ?? TEXTS.en, own ?? language];
}

/** The language of the page that was seen last, or of the browser. */
function languageOf(copy) {
  return copy?.language ?? (navigator.language.startsWith("ja") ? "ja" : "en");
}

/** The page that takes the place of one that there is no copy of. */
async function offlinePage(path) {
  const all = (await copies().catch(() => [])).filter(({ build }) => build === BUILD);
  const language = languageOf(all[0]);
  const [texts] = inLanguage(language);
  const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt()};`);
  // A title is HTML already.
  const links = all.map((copy) => `<li><a href="${escaped(copy.path)}" dir="auto">${copy.title.replace(/ · Idobata$/, "")}</a></li>`).join("");
  const html = `<!DOCTYPE html>${all[0]?.root ?? `<html lang="${language}">`}<head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${texts.offline} · Idobata</title><link rel="stylesheet" href="${SHELL[0]}"></head>
<body><main class="page document lone"><section class="panel stack"><h1>${texts.offline}</h1>
<p>${texts.offlineText}</p><p><a href="${escaped(path)}">${texts.again}</a></p>
${links && `<p id="copies">${texts.copies}</p><ul class="rows stack" aria-labelledby="copies">${links}</ul>`}</section></main></body></html>`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  };
  return new Response(html, { status: 503, headers });
}

// ---- A page that is left, or that the app has shown in place, asks for a new copy (public/offline.js).

addEventListener("message", (event) => {
  const path = event.data?.copy;
  if (typeof path === "string" && IS_COPIED.test(path)) event.waitUntil(renewCopy(path).catch(() => {}));
});

async function renewCopy(path) {
  const number = nextNumber();
  // A page that was on its way when the worker took over is not the worker's yet.
  await clients.claim();
  const response = await fetch(path, { redirect: "manual", headers: { accept: "text/html" } });
  await note({ pathname: path, search: "" }, response, number);
}

// ---- Notifications. A push is JSON: `title`, and if wanted `body`, `tag` (a later one takes the place of an earlier one with
// the same), `url` (a path of this site), `lang`, `dir`, `timestamp` (in milliseconds) and `badge` (the number on the app's icon).

let notifications = Promise.resolve();

addEventListener("push", (event) => {
  const push = read(event.data);
  // One after the other: the later one of a tag has to be the one that stays.
  notifications = notifications.catch(() => {}).then(() => notify(push));
  event.waitUntil(notifications);
});

/** The push, or none: it is no such JSON. Browsers take back the right to push from a site that shows nothing for one. */
function read(data) {
  try {
    const push = data.json();
    return typeof push.title === "string" && push.title ? push : undefined;
  } catch {
    return undefined;
  }
}

async function notify(push) {
  const text = (value) => (typeof value === "string" && value ? value : undefined);
  const { title, body, tag, url, lang, dir, timestamp, badge } = push ?? (await plainPush());
  const options = {
    body: text(body) ?? "",
    tag: text(tag) ?? "",
    lang: text(lang) ?? "",
    dir: dir === "ltr" || dir === "rtl" ? dir : "auto",
    icon: "/icons/app-192.png",
    badge: "/icons/badge-96.png",
    data: { url: addressOf(url) },
  };
  if (Number.isFinite(timestamp)) options.timestamp = timestamp;
  if (options.tag) {
    // The same push once more makes no second sound.
    const shown = await registration.getNotifications({ tag: options.tag });
    options.renotify = shown.some((one) => one.timestamp !== timestamp || one.body !== options.body);
  }
  await registration.showNotification(title, options);
  if (Number.isSafeInteger(badge) && badge >= 0) await navigator.setAppBadge?.(badge).catch(() => {});
}

async function plainPush() {
  const [copy] = await copies().catch(() => []);
  const lang = languageOf(copy);
  return { title: "Idobata", body: inLanguage(lang)[0].news, tag: "news", url: "/", lang };
}

/** The path of an address of this site; of another one, the feed's. */
function addressOf(url) {
  try {
    const { origin, pathname, search, hash } = new URL(url, location.origin);
    return origin === location.origin ? pathname + search + hash : "/";
  } catch {
    return "/";
  }
}

// A browser may give the subscription another address. One that the server does not know any more stays unknown.
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renewSubscription(event).catch(() => {})));

async function renewSubscription({ oldSubscription, newSubscription }) {
  if (!oldSubscription) return;
  const made = newSubscription ?? (await registration.pushManager.subscribe(oldSubscription.options));
  const body = JSON.stringify({ ...made.toJSON(), replaces: oldSubscription.endpoint });
  await fetch("/api/push/subscriptions", { method: "POST", headers: { "content-type": "application/json" }, body });
}

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openAddress(event.notification.data?.url));
});

/** Shows an address in the window that has it or its room, or else in a new one. */
async function openAddress(url) {
  const { href } = new URL(addressOf(url), location.origin);
  const placeOf = (address) => /^\/(feed|rooms)\/[^/]+|^.*$/.exec(new URL(address).pathname)[0];
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const found = windows.find((one) => one.url === href) ?? windows.find((one) => placeOf(one.url) === placeOf(href));
  if (!found) return clients.openWindow(href);
  await found.focus().catch(() => {});
  if (found.url !== href) await found.navigate(href).catch(() => clients.openWindow(href));
}
