// The page's first script, before the style sheet. It runs in every browser, so it keeps to ES5.
// It marks a page that is not live, sends with Enter while it is not, and loads the style sheet and live.js again if they
// fail, hang or are cut.
(function () {
var LIMIT = 20000, root = document.documentElement, guarded = ["submit", "keydown", "input", "click"];
function tell(why) {
if (document.readyState === "loading") return document.addEventListener("DOMContentLoaded", function () { tell(why); });
var note = document.getElementById("not-live");
document.getElementById(why).hidden = note.hidden = false;
// There may be no style sheet.
note.style.cssText = "position:fixed;left:0;right:0;bottom:1rem";
}
var live = window.idobata = {
dead: function () {
if (root.getAttribute("data-live") === "off") return;
root.removeAttribute("data-hydrated");
root.setAttribute("data-live", "off");
if (live.stop) try { live.stop(); } catch (_) {}
tell("no-updates");
guarded.forEach(function (type) { addEventListener(type, function (event) { early(event); event.stopPropagation(); }, true); });
}
};
function early(event) {
var field = event.target;
if (event.type !== "keydown" || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229 || event.repeat) return;
if (!field.matches || !field.matches(".composer textarea") || root.getAttribute("data-hydrated")) return;
event.preventDefault();
if (field.form.requestSubmit) field.form.requestSubmit(); else field.form.submit();
}
addEventListener("keydown", function (event) { if (root.getAttribute("data-live") !== "off") early(event); });
function isFile(element) { return element.rel === "stylesheet" || element.id === "live"; }
function isThere(file) { return file.id === "live" ? live.started : file.sheet && getComputedStyle(root).getPropertyValue("--complete"); }
function again(old) {
var tries = old.getAttribute("data-tries") | 0, isScript = old.id === "live";
if (old.gone) return;
old.gone = true;
if (tries > 2) return isScript ? live.dead() : tell("no-style");
setTimeout(function () {
var next = document.createElement(old.localName), address = isScript ? "src" : "href";
next.id = old.id;
next.setAttribute("data-tries", tries + 1);
next[isScript ? "type" : "rel"] = isScript ? "module" : "stylesheet";
next[address] = old[address].split("?")[0] + "?" + (tries + 1);
old.parentNode.replaceChild(next, old);
watch(next);
}, 1000 * Math.pow(3, tries));
}
function watch(file) { setTimeout(function () { if (!isThere(file)) again(file); }, LIMIT); }
setTimeout(function () { [].filter.call(document.querySelectorAll("link, script"), isFile).forEach(function (file) { if (!isThere(file)) again(file); }); }, LIMIT);
addEventListener("error", function (event) {
if (isFile(event.target)) again(event.target);
// A panic in the browser half. Before it is settled, live.js tries again.
if (live.settled && event.error && event.error instanceof WebAssembly.RuntimeError) live.dead();
}, true);
// Not the window, which load events of files do not reach.
document.addEventListener("load", function (event) { if (isFile(event.target) && !isThere(event.target)) again(event.target); }, true);
addEventListener("unhandledrejection", function (event) { if (live.settled && event.reason instanceof WebAssembly.RuntimeError) live.dead(); });
// A browser that knows no modules says nothing about them.
if (!("noModule" in document.createElement("script"))) live.dead();
})();
