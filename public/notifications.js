// The script of the page /notifications (src/server/http/account_pages/notifications.rs): turns push notifications of this
// browser on and off, and what its open pages do (public/page_notifications.js). The sentences for each state stand in the
// page; this shows the one that holds. A server without pushes has no section for the device.
const section = document.getElementById("device");
const rows = [...document.querySelectorAll("[data-device]")];
const { serviceWorker } = navigator;
const isApple = /iPhone|iPad/.test(navigator.userAgent) || (/Mac/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);

const show = (state) => {
  for (const one of section.querySelectorAll("[data-state]")) one.hidden = !one.dataset.state.split(" ").includes(state);
};

const subscription = async () => (await serviceWorker.getRegistration())?.pushManager.getSubscription();

/** The device of the list that is this browser, which the server knows by the hash of its address. */
async function ownRow() {
  const { endpoint } = (await subscription()) ?? {};
  if (!endpoint) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint)));
  const hash = [...digest.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return rows.find(({ dataset }) => dataset.device === hash);
}

async function state() {
  if (!isSecureContext) return "insecure";
  if (!serviceWorker || !window.PushManager || !window.Notification) return isApple ? "apple" : "unsupported";
  if (Notification.permission === "denied") return "denied";
  const row = await ownRow();
  const badge = row?.querySelector("[data-own]");
  if (badge) badge.hidden = false;
  return row ? "on" : "off";
}

async function subscribe() {
  await serviceWorker.register("/service-worker.js");
  const { pushManager } = await serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: section.dataset.key };
  try {
    return await pushManager.subscribe(options);
  } catch (error) {
    // With the key of a server that was here before.
    const old = await pushManager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return pushManager.subscribe(options);
  }
}

const actions = {
  async on() {
    const permission = await Notification.requestPermission();
    if (permission !== "granted") return show(permission === "denied" ? "denied" : "off");
    const made = await subscribe();
    const body = JSON.stringify({ ...made.toJSON(), language: document.documentElement.lang });
    const headers = { "content-type": "application/json" };
    const { ok } = await fetch("/api/push/subscriptions", { method: "POST", headers, body });
    if (ok) location.reload();
    else show("refused");
  },
  async off() {
    const [made, row] = [await subscription(), await ownRow()];
    await made?.unsubscribe();
    // The row's form removes the device from the list.
    row?.querySelector("form").requestSubmit();
  },
};

for (const button of section?.querySelectorAll("[data-action]") ?? []) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    await actions[button.dataset.action]().catch(() => show("failed"));
    button.disabled = false;
  });
}
if (section) show(await state().catch(() => "unsupported"));

// ---- Open pages. The switches stand in the browser's storage, where public/live.js looks for them.

const openPage = document.getElementById("open-page");
const faults = openPage.querySelectorAll("[data-fault]");
const showFault = (name) => {
  for (const one of faults) one.hidden = one.dataset.fault !== name;
};

/** The reason why this browser shows no notifications; none: it shows them, or asks first. */
function fault() {
  if (!isSecureContext) return "insecure";
  if (!window.Notification) return "unsupported";
  return Notification.permission === "denied" ? "denied" : undefined;
}

/** Returns true if the browser shows notifications, after it asked the user. */
async function isAllowed() {
  showFault(fault());
  if (fault() || (await Notification.requestPermission()) === "granted") return !fault();
  showFault(fault());
  return false;
}

for (const box of openPage.querySelectorAll("[data-switch]")) {
  const key = `idobata.${box.dataset.switch}`;
  const needsLeave = box.dataset.switch === "notify";
  box.checked = localStorage.getItem(key) === "on" && !(needsLeave && fault());
  box.addEventListener("change", async () => {
    if (box.checked && needsLeave) box.checked = await isAllowed();
    if (box.checked) localStorage.setItem(key, "on");
    else localStorage.removeItem(key);
  });
}
openPage.hidden = false;

const zone = document.getElementById("zone");
zone.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
