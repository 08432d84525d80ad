// Makes the page live: loads the browser half once the page is on the screen, so that it does not compete with the text,
// as it would with Leptos' own script. The next animation frame would be too soon, because it is shown a while after it
// is drawn. A hidden page is not painted, so there it loads at once.
//
// A download that fails is tried again. HTML that was changed on its way (by a proxy, an extension, a translator) is not
// taken over but drawn anew, with what was typed into it.
const live = window.idobata, app = document.getElementById("app"), sent = document.getElementById("start").dataset.nodes;
live.started = true;
const get = async (attempt) => {
const query = attempt ? "?" + attempt : "";
const file = fetch("FILES.wasm" + query).then((response) => response.ok ? response : Promise.reject(response.status));
const [module] = await Promise.all([import("FILES.js" + query), file]);
await module.default({ module_or_path: file });
return module;
};
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); addEventListener("online", resolve, { once: true }); });
const nodes = () => {
let hash = 0;
for (const walk = document.createTreeWalker(app, 133); walk.nextNode();)
for (const byte of walk.currentNode.nodeName.toLowerCase() + ";") hash = Math.imul(hash, 31) + byte.charCodeAt() | 0;
return String(hash >>> 0);
};
const fields = () => [...app.querySelectorAll("textarea, input:not([type=hidden])")].map((field) => [(field.form?.getAttribute("action") ?? "").split("?")[0] + " " + field.name, field]);
const anew = (module) => {
const typed = new Map(fields().map(([key, field]) => [key, [field, field === document.activeElement]]));
const places = [...app.querySelectorAll(".message-list__scroller")].map((scroller) => scroller.scrollTop);
module.start(true);
for (const [key, field] of fields()) {
const [old, focused] = typed.get(key) ?? [];
if (!old) continue;
if (old.value !== old.defaultValue) field.value = old.value;
field.checked = old.checked;
if (focused) { field.focus(); field.selectionStart !== null && field.setSelectionRange(old.selectionStart, old.selectionEnd); }
}
app.querySelectorAll(".message-list__scroller").forEach((scroller, at) => { scroller.scrollTop = places[at]; });
};
const load = async () => {
let attempt = 0, module;
if (typeof WebAssembly !== "object") return live.dead();
while (!module) {
try { module = await get(attempt); } catch {
if (attempt > 2) return live.dead();
await pause(1000 * 3 ** attempt);
}
attempt++;
}
try {
if (nodes() === sent) module.start(false); else anew(module);
} catch {
try { anew(await get(attempt)); } catch { return live.dead(); }
}
live.settled = true;
setTimeout(() => performance.mark("live"));
};
let late;
const begin = () => { clearTimeout(late); late = null; load(); };
late = setTimeout(begin, document.hidden ? 0 : 500);
if (window.PerformanceObserver) new PerformanceObserver((_, observer) => { observer.disconnect(); late && begin(); }).observe({ type: "paint", buffered: true });
