// Files for a message: chosen by a button, dropped on the room, or pasted into its field. Each is uploaded at once, with its
// progress, and can be taken back or tried again; the next message of the composer names them (docs/files.md). live.js loads it
// when a page has a composer.
//
// While there are files this sends the message itself, in the place of the page's own code, which knows none. Without a network
// the files wait, and so does the message. A reload loses the bytes that are not uploaded yet: the browser asks before it, and
// the page names afterwards what has to be chosen again.
//
// A large file goes in pieces, and goes on where a cut stopped it: also after a reload, if the same file is chosen again.
const FILES_MAX = 10; // of a message, as the server answers
const ALT_MAX = 500; // characters of a description
const AT_ONCE = 3; // uploads; the server takes six of a person
const PIECE = 8 * 1024 * 1024; // bytes of a request: what a proxy that waits for all of it loses by a cut, at most
const TRIES = 8; // of a piece, over about two minutes
const PAUSE_MAX_MS = 30_000;
const ja = document.documentElement.lang === "ja";
const words = ja
  ? {
      alt: "説明（画像を見られない人のために）",
      lost: "アップロードされませんでした。もう一度選択してください。",
      remove: "取り消す",
      retry: "再試行",
      failed: "アップロードできませんでした。",
      waits: "ネットワークを待っています",
      done: "アップロードしました",
      notSent: "送信できませんでした。",
      sentLater: "ネットワークが戻ると送信されます。",
      sentThen: "アップロードが終わると送信されます。",
      broken: "アップロードできなかったファイルがあります。再試行するか取り消してください。",
      full: `1つのメッセージに添付できるファイルは${FILES_MAX}個までです。`,
    }
  : {
      alt: "Description for those who cannot see it",
      lost: "It was not uploaded. Choose it again.",
      remove: "Remove",
      retry: "Try again",
      failed: "The upload failed.",
      waits: "Waits for the network",
      done: "Uploaded",
      notSent: "The message was not sent.",
      sentLater: "It will be sent when the network is back.",
      sentThen: "It will be sent when the uploads are done.",
      broken: "A file was not uploaded. Try again or remove it.",
      full: `A message has at most ${FILES_MAX} files.`,
    };

const style = new CSSStyleSheet();
style.replaceSync(`
  .uploads { display: grid; gap: var(--space-1); max-block-size: 30dvh; margin: 0 0 var(--space-2); padding: 0; overflow: auto; list-style: none; }
  .uploads:empty, .uploads-note:empty { display: none; }
  .uploads li { display: flex; flex-wrap: wrap; align-items: center; gap: var(--space-1) var(--space-2); padding: var(--space-1) var(--space-2); border: 1px solid var(--color-line); border-radius: var(--radius); }
  .uploads bdi { flex: 1 1 8rem; overflow: hidden; min-inline-size: 0; text-overflow: ellipsis; white-space: nowrap; }
  .uploads img { border-radius: var(--radius); object-fit: cover; }
  .uploads input { flex: 2 1 12rem; min-inline-size: 0; }
  .uploads progress { inline-size: 6rem; }
  .uploads button { padding: 0 var(--space-2); }
  .uploads [data-failed] { color: var(--color-bad); }
  .composer[data-dropping] { outline: 2px dashed var(--color-accent); outline-offset: -2px; }
`);
document.adoptedStyleSheets.push(style);

function element(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children);
  return made;
}

/** A random UUID. (`randomUUID` is not there on plain http.) */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map((byte, at) => ([4, 6, 8, 10].includes(at) ? "-" : "") + byte.toString(16).padStart(2, "0")).join("");
}

/** What is attached in each composer, which outlives its form: the page draws it anew when another room is shown. */
const states = new Map();
const roomOf = (form) => new URL(form.action).pathname.split("/")[2];
const placeOf = (form) => `${document.documentElement.dataset.me}.${decodeURIComponent(roomOf(form))}${form.elements.thread ? `/${form.elements.thread.value}` : ""}`;

function stateOf(form) {
  const place = placeOf(form);
  if (!states.has(place)) {
    const list = element("ul", { className: "uploads" });
    const note = element("p", { className: "uploads-note note" });
    note.setAttribute("role", "status");
    const thread = form.elements.thread && Number(form.elements.thread.value);
    const state = { place, room: roomOf(form), thread, list, note, uploads: [], id: newId() };
    states.set(place, state);
    restore(state);
  }
  return states.get(place);
}

const composers = () => [...document.querySelectorAll("form.composer")];
const formOf = (state) => composers().find((form) => placeOf(form) === state.place);
const say = (state, text) => (state.note.textContent = text);

// Another tab's are not touched, and they go with the tab.
const key = (state) => `idobata.files.${state.place}`;
function keep(state) {
  const kept = state.uploads.map(({ name, id, alt, isPicture }) => ({ name, id, alt: alt.value, isPicture }));
  try {
    if (kept.length) sessionStorage.setItem(key(state), JSON.stringify({ id: state.id, kept }));
    else sessionStorage.removeItem(key(state));
  } catch {
    // The browser keeps nothing for this origin.
  }
}
function restore(state) {
  try {
    const { id, kept } = JSON.parse(sessionStorage.getItem(key(state)));
    state.id = id;
    for (const one of kept) addRow(state, { ...one, status: one.id ? "done" : "lost" });
  } catch {
    // There is nothing.
  }
}

/** Adds files to the next message of a composer. */
function add(form, files) {
  const state = stateOf(form);
  say(state, "");
  for (const file of files) {
    // A picture from the clipboard has no name of its own.
    const name = file.name || "file";
    const lost = state.uploads.find((upload) => upload.status === "lost" && upload.name === name);
    if (lost) show(Object.assign(lost, { file, status: "waiting" }));
    else if (state.uploads.length < FILES_MAX) addRow(state, { file, name, isPicture: file.type.startsWith("image/"), status: "waiting" });
    else say(state, words.full);
  }
  keep(state);
  next(state);
  form.elements.text.focus();
}

function addRow(state, { file, name, id, alt = "", isPicture, status }) {
  const upload = { file, name, id, isPicture, status };
  upload.progress = element("progress", { max: 1, value: 0 });
  upload.progress.setAttribute("aria-label", name);
  upload.said = element("span", { className: "muted" });
  upload.alt = element("input", { value: alt, placeholder: words.alt, maxLength: ALT_MAX, dir: "auto", hidden: !isPicture, oninput: () => keep(state) });
  upload.alt.setAttribute("aria-label", `${words.alt}: ${name}`);
  upload.retry = element("button", { type: "button", textContent: words.retry, onclick: () => again(state, upload) });
  upload.remove = element("button", { type: "button", textContent: words.remove, onclick: () => remove(state, upload) });
  upload.retry.setAttribute("aria-label", `${words.retry}: ${name}`);
  upload.remove.setAttribute("aria-label", `${words.remove}: ${name}`);
  // What a browser cannot show as a picture has only its name.
  upload.preview = element("img", { alt: "", width: 32, height: 32, hidden: true, onerror: () => (upload.preview.hidden = true) });
  upload.row = element("li", {}, upload.preview, element("bdi", { textContent: name, title: name }), upload.alt, upload.progress, upload.said, upload.retry, upload.remove);
  state.list.append(upload.row);
  state.uploads.push(upload);
  show(upload);
}

function show({ status, progress, said, retry, file, isPicture, preview, id, name }, why) {
  if (status === "done" && isPicture && !preview.src) {
    preview.src = `/files/${id}/${encodeURIComponent(name)}?thumbnail`;
    preview.hidden = false;
  }
  progress.hidden = status !== "running";
  retry.hidden = status !== "failed" || !file;
  said.toggleAttribute("data-failed", status === "failed" || status === "lost");
  said.textContent = { waiting: navigator.onLine ? "" : words.waits, running: "", done: words.done, failed: why, lost: words.lost }[status];
}

function again(state, upload) {
  upload.status = "waiting";
  show(upload);
  next(state);
  upload.remove.focus();
}

function remove(state, upload) {
  const at = state.uploads.indexOf(upload);
  upload.status = "removed";
  upload.request?.abort();
  if (upload.part) giveUp(state, upload);
  state.uploads.splice(at, 1);
  upload.row.remove();
  keep(state);
  say(state, "");
  next(state);
  (state.uploads[at]?.remove ?? formOf(state)?.elements.text)?.focus();
}

/** Begins the next uploads, and sends the message when it waits for the last of them. */
function next(state) {
  const those = (status) => state.uploads.filter((upload) => upload.status === status);
  if (navigator.onLine) for (const upload of those("waiting").slice(0, Math.max(0, AT_ONCE - those("running").length))) start(state, upload);
  if (!state.isSending || those("waiting").length || those("running").length) return;
  if (those("done").length === state.uploads.length) return void post(state);
  state.isSending = false;
  say(state, words.broken);
}

function start(state, upload) {
  const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
  const end = (status, why) => {
    if (upload.status === "removed") return;
    upload.status = status;
    show(upload, why);
    keep(state);
    next(state);
  };
  upload.status = "running";
  show(upload);
  if (upload.file.size > PIECE && !upload.isWhole) return void sendPieces(state, upload, end);
  upload.request = request;
  upload.progress.value = 0;
  request.open("POST", `/api/files?room=${state.room}&name=${encodeURIComponent(upload.name)}`);
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => (upload.progress.value = total ? loaded / total : 0);
  // Without a network it waits, and is sent from its beginning when that is back.
  request.onerror = () => (navigator.onLine ? end("failed", words.failed) : end("waiting"));
  request.onload = () => {
    if (request.status !== 201) return end("failed", request.response?.detail || words.failed);
    upload.id = request.response.id;
    end("done");
  };
  request.send(upload.file);
}

/** What is known of uploads that have not ended, by a digest (FNV-1a) of what tells a file from others: its name is nobody
 * else's business who uses this browser. Of other tabs as well, until they expire. */
const UNENDED = "idobata.uploads";
function nameOf({ room }, { file }) {
  const text = [document.documentElement.dataset.me, room, file.name, file.size, file.lastModified].join("/");
  const add = (digest, byte) => BigInt.asUintN(64, (digest ^ BigInt(byte)) * 0x100000001b3n);
  return new TextEncoder().encode(text).reduce(add, 0xcbf29ce484222325n).toString(36);
}
function unended() {
  try {
    const known = Object.entries(JSON.parse(localStorage.getItem(UNENDED)) ?? {});
    return Object.fromEntries(known.filter(([, { expires }]) => expires > Date.now()));
  } catch {
    return {};
  }
}
function remember(state, upload, part) {
  upload.part = part?.id;
  const known = { ...unended(), [nameOf(state, upload)]: part && { id: part.id, expires: part.expires } };
  try {
    localStorage.setItem(UNENDED, JSON.stringify(known));
  } catch {
    // The browser keeps nothing for this origin.
  }
}

function giveUp(state, upload) {
  fetch(`/api/uploads/${upload.part}`, { method: "DELETE", headers: { "tus-resumable": "1.0.0" } }).catch(() => {});
  remember(state, upload);
}

/** Sends a large file by tus (docs/files.md), from where the server says that it is. */
async function sendPieces(state, upload, end) {
  const isInUse = (id) => [...states.values()].some(({ uploads }) => uploads.some((other) => other !== upload && other.part === id));
  const known = unended()[nameOf(state, upload)]?.id;
  if (!upload.part && !isInUse(known)) upload.part = known;
  for (let tries = 1; ; tries++) {
    const { file, isElsewhere, isStopped, why, hasMoved } = await sendMore(state, upload);
    if (upload.status !== "running") return;
    // Its pieces come to several nodes that share a bucket and no folder: one request comes to one of them.
    if (isElsewhere) {
      upload.isWhole = true;
      remember(state, upload);
      return start(state, upload);
    }
    if (file) {
      remember(state, upload);
      upload.id = file.id;
      return end("done");
    }
    if (!navigator.onLine) return end("waiting");
    if (hasMoved) tries = 1;
    if (isStopped || tries === TRIES) return end("failed", why ?? words.failed);
    await pause(Math.min(PAUSE_MAX_MS, 2 ** tries * (400 + Math.random() * 200)));
    if (upload.status !== "running") return;
  }
}

/** Sends what is missing until it is there or something stops it. */
async function sendMore(state, upload) {
  let [hasMoved, method, answer] = [false, "GET"];
  if (upload.part) answer = await ask(upload, method, `/${upload.part}`);
  // It has expired, or its file is gone.
  if (!upload.part || answer.status === 404 || answer.status === 410) {
    method = "POST";
    answer = await ask(upload, method, `?room=${state.room}&name=${encodeURIComponent(upload.name)}`, { "upload-length": upload.file.size });
    if (answer.status === 201) remember(state, upload, answer.response);
  }
  let { file } = answer.response ?? {};
  while (!file && answer.status >= 200 && answer.status < 300) {
    const offset = Number(answer.getResponseHeader("upload-offset"));
    upload.progress.value = offset / upload.file.size;
    hasMoved ||= method === "PATCH";
    method = "PATCH";
    const headers = { "upload-offset": offset, "content-type": "application/offset+octet-stream", accept: "application/json" };
    answer = await ask(upload, method, `/${upload.part}`, headers, upload.file.slice(offset, offset + PIECE), offset);
    if (answer.status === 200) file = answer.response;
  }
  const { status, response } = answer;
  // A piece that came late or twice, or to a busy server, is sent again.
  const isAgain = !status || (status >= 500 && status !== 507) || (method !== "POST" && [400, 404, 409, 410, 423, 429].includes(status));
  const isElsewhere = method === "PATCH" && status === 404;
  return { file, hasMoved, isElsewhere, isStopped: !isAgain, why: response?.detail };
}

/** A request of an upload, which tells how far it is; status 0 if there was no answer. */
function ask(upload, method, path, headers, body, offset) {
  const request = new XMLHttpRequest();
  upload.request = request;
  request.open(method, `/api/uploads${path}`);
  request.responseType = "json";
  for (const [name, value] of Object.entries({ "tus-resumable": "1.0.0", ...headers })) request.setRequestHeader(name, value);
  if (body) request.upload.onprogress = ({ loaded }) => (upload.progress.value = (offset + loaded) / upload.file.size);
  return new Promise((resolve) => {
    request.onloadend = () => resolve(request);
    request.send(body);
  });
}

/** Waits, but not after the network is back. */
const pause = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
    addEventListener("online", resolve, { once: true });
  });

/** The message that the room's composer answers: app/sync/outbox.rs stores it. */
function answered(state) {
  try {
    return Number(sessionStorage.getItem(`idobata.reply.${state.place}`)) || undefined;
  } catch {
    return undefined;
  }
}

function setText(form, text) {
  if (!form) return;
  form.elements.text.value = text;
  form.elements.text.dispatchEvent(new Event("input", { bubbles: true }));
}

async function post(state) {
  if (state.isPosting) return;
  state.isPosting = true;
  const form = formOf(state);
  // Another room may be shown by now.
  const text = form ? form.elements.text.value : state.text;
  const files = state.uploads.map(({ id, alt, isPicture }) => (isPicture && alt.value.trim() ? { id, alt: alt.value } : id));
  const body = JSON.stringify({ id: state.id, text, files, reply_to: answered(state), thread: state.thread });
  const headers = { "content-type": "application/json" };
  // The field is emptied first: the sign of typing that this sends must not come behind the message.
  setText(form, "");
  const response = await fetch(`/api/rooms/${state.room}/messages`, { method: "POST", headers, body }).catch(() => {});
  state.isPosting = false;
  if (response?.ok) return sent(state);
  const current = formOf(state);
  if (current && !current.elements.text.value) setText(current, text);
  // The same id: if only the answer was lost, nothing is posted twice.
  if (!response && !navigator.onLine) return say(state, words.sentLater);
  state.isSending = false;
  const problem = await response?.json().catch(() => {});
  say(state, problem?.detail ?? words.notSent);
}

function sent(state) {
  if (!formOf(state)) state.sentText = state.text;
  Object.assign(state, { isSending: false, uploads: [], id: newId() });
  state.list.replaceChildren();
  say(state, "");
  keep(state);
  formOf(state)?.querySelector(".composer__leave")?.click();
  formOf(state)?.elements.text.focus();
}

/** Sends a message with files; the page's own code sends one without. */
function send(form, event) {
  const state = form && states.get(placeOf(form));
  if (!state?.uploads.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  Object.assign(state, { isSending: true, text: form.elements.text.value });
  const isUp = state.uploads.every(({ status }) => status === "done");
  say(state, isUp ? "" : navigator.onLine ? words.sentThen : words.sentLater);
  next(state);
}

const composerOf = (target) => target.closest?.("form.composer");
addEventListener(
  "keydown",
  (event) => {
    const isEnter = event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
    // In the list of emoji or of people it chooses one.
    if (!isEnter || document.querySelector(".emoji-list")) return;
    if (event.target.matches?.(".composer textarea")) send(composerOf(event.target), event);
    else if (event.target.matches?.(".uploads input")) event.preventDefault();
  },
  true,
);
const isSend = ({ target }) => target.closest?.(".composer .primary");
addEventListener("click", (event) => isSend(event) && send(composerOf(event.target), event), true);

// The link to the form for files opens the picker.
addEventListener("click", (event) => {
  const link = event.target.closest?.(".composer__attach");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const form = composerOf(link);
  const input = element("input", { type: "file", multiple: true });
  input.addEventListener("change", () => add(form.isConnected ? form : composers().at(-1), input.files));
  input.click();
}, true);
// It is a button now, and space presses it.
addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches?.(".composer__attach")) return;
  event.preventDefault();
  event.target.click();
});

const hasFiles = (data) => data?.types.includes("Files");
addEventListener("paste", (event) => {
  const form = composerOf(event.target);
  // A text that was copied with a picture of itself is a text.
  if (!form || !event.clipboardData?.files.length || event.clipboardData.types.includes("text/plain")) return;
  event.preventDefault();
  add(form, event.clipboardData.files);
});
const dropping = (form) => composers().forEach((one) => one.toggleAttribute("data-dropping", one === form));
/** The composer over which a file is held, or the only one. */
const dropTarget = ({ target }) => composerOf(target) ?? target.closest?.(".thread")?.querySelector("form.composer") ?? composers()[0];
addEventListener("dragover", (event) => {
  const form = hasFiles(event.dataTransfer) && dropTarget(event);
  if (!form) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
  dropping(form);
});
addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || dropping());
addEventListener("drop", (event) => {
  const form = hasFiles(event.dataTransfer) && dropTarget(event);
  dropping();
  if (!form) return;
  event.preventDefault();
  add(form, event.dataTransfer.files);
});

addEventListener("online", () => states.forEach((state) => (state.uploads.forEach((upload) => show(upload, upload.said.textContent)), next(state))));
addEventListener("offline", () => states.forEach((state) => state.uploads.forEach((upload) => show(upload, upload.said.textContent))));
addEventListener("beforeunload", (event) => {
  const isHere = ({ status }) => status === "waiting" || status === "running";
  if ([...states.values()].some((state) => state.isSending || state.uploads.some(isHere))) event.preventDefault();
});

/** Shows what is attached in the composers of the page. */
function place() {
  for (const form of composers()) {
    const link = form.querySelector(".composer__attach");
    if (!link || link.role === "button") continue;
    link.role = "button";
    const state = stateOf(form);
    form.querySelector(".composer__row").before(state.list, state.note);
    // What was sent while another room was shown: the page puts it into the field again, after this.
    const { sentText } = state;
    if (sentText) setTimeout(() => form.elements.text.value === sentText && setText(form, ""), 100);
    delete state.sentText;
  }
}
place();
new MutationObserver(place).observe(document.getElementById("app"), { childList: true, subtree: true });
