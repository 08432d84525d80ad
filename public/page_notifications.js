// Tells of what is for the user while a page is open: by a notification of the system, by a soft sound, or both, as the page
// /notifications has switched on in this browser. live.js loads it then.
//
// Rust says by an event of the window that the counts of unread messages have changed, or that the feed has something new; the
// server says what it is and whether it is still wanted, by the same rules as for a push (level, quiet hours, read elsewhere).
// A push has the same tag, so a device shows one of the two.
//
// It must never tell of one message twice, in however many windows, and never of something that was unread before.
const PAUSE_MS = 1_500; // what is read at once, in another window or on another device, is no news
const SPREAD_MS = 500; // the windows of a browser do not tell of it in the same moment
const EVENTS_MS = 30_000; // a page that follows one channel hears of no other
const ROOMS_MAX = 5; // after a night without a connection; the sidebar names them all
const TOLD_MAX = 50;

const isOn = (what) => {
  try {
    return localStorage.getItem(`idobata.${what}`) === "on";
  } catch {
    return false;
  }
};

/** The unread counts of the user, by room. None: nobody is signed in, or the server cannot be asked now. */
async function counts() {
  const response = await fetch("/api/user").catch(() => {});
  if (!response?.ok) return undefined;
  const { rooms } = await response.json();
  return new Map(rooms.map((room) => [room.room, room]));
}

/** The messages to ask the server about: a mention by its offset, another one as the newest of its room. */
function news(before, now) {
  const found = [];
  for (const [room, { generation, head, mentions, unread }] of now) {
    const old = before.get(room);
    // "Mark unread" tells nobody anything new.
    if (!unread && !mentions?.length) continue;
    if (old && (old.generation !== generation || old.head === head)) continue;
    const offset = mentions?.filter((one) => !old?.mentions?.includes(one)).at(-1); // of an older message too: it was edited
    found.push({ room, ...(offset && { offset }) });
  }
  return found.slice(0, ROOMS_MAX);
}

/** True for the first window that asks for this message. */
function isFirst({ tag, timestamp }) {
  const id = `${tag} ${timestamp}`;
  const told = JSON.parse(localStorage.getItem("idobata.told") ?? "[]");
  if (told.includes(id)) return false;
  localStorage.setItem("idobata.told", JSON.stringify([id, ...told].slice(0, TOLD_MAX)));
  return true;
}

async function show({ title, url, ...options }) {
  if (!window.Notification || Notification.permission !== "granted") return;
  const registration = await navigator.serviceWorker?.getRegistration();
  // The push service tells of it.
  if (await registration?.pushManager?.getSubscription().catch(() => {})) return;
  Object.assign(options, { icon: "/icons/app-192.png", badge: "/icons/badge-96.png", data: { url } });
  if (registration?.active) return registration.showNotification(title, options);
  const shown = new Notification(title, options);
  shown.onclick = () => {
    shown.close();
    focus();
    location.assign(url);
  };
}

/** Two soft notes. Browsers allow them to a page in which something was clicked or typed. */
function sound() {
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  const context = new AudioContext();
  const volume = new GainNode(context, { gain: 0 });
  volume.connect(context.destination);
  [660, 880].forEach((frequency, index) => {
    const start = context.currentTime + index * 0.12;
    const note = new OscillatorNode(context, { frequency });
    note.connect(volume);
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.06, start + 0.02);
    volume.gain.linearRampToValueAtTime(0, start + 0.11);
    note.start(start);
    note.stop(start + 0.12);
    note.onended = () => index && context.close();
  });
}

async function announce(notification) {
  if (!isFirst(notification)) return false;
  if (isOn("notify")) await show(notification).catch(() => {});
  return true;
}

async function announceMessage(message) {
  const response = await fetch(`/api/user/notification?${new URLSearchParams(message)}`).catch(() => {});
  return response?.status === 200 && announce(await response.json());
}

let known = await counts();

async function messages() {
  const now = await counts();
  if (!now) return [];
  const found = known ? news(known, now) : [];
  known = now;
  return Promise.all(found.map(announceMessage));
}

let cursor;

/** The events of the feed since the last time. */
async function events() {
  const response = await fetch(`/api/user/events?${new URLSearchParams(cursor && { after: cursor })}`).catch(() => {});
  if (!response?.ok) return [];
  const answer = await response.json();
  cursor = answer.cursor;
  return Promise.all(answer.notifications.map(announce));
}

await events();

const isWanted = () => isOn("notify") || isOn("sound");
let timer;

async function look() {
  timer = undefined;
  const told = await Promise.all([messages(), events()]);
  if (told.flat().includes(true) && isOn("sound")) sound();
}

for (const name of ["idobata:unread", "idobata:event"])
  addEventListener(name, () => {
    if (isWanted()) timer ??= setTimeout(look, PAUSE_MS + Math.random() * SPREAD_MS);
  });
setInterval(() => isWanted() && !timer && look(), EVENTS_MS);
