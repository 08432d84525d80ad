// The page's first script, before the style sheet. It runs in every browser, so it keeps to ES5.
// It marks a page that is not live, sends with Enter while it is not, loads a style sheet again that failed, and keeps the
// current room in view.
(function () {
var root = document.documentElement;
var guarded = ["submit", "keydown", "input", "click"];
var live = window.idobata = {
dead: function () {
if (root.getAttribute("data-live") === "off") return;
root.removeAttribute("data-hydrated");
root.setAttribute("data-live", "off");
var show = function () { var note = document.getElementById("not-live"); if (note) note.hidden = false; };
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show); else show();
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
// A panic in the browser half. Before it is settled, live.js tries again.
addEventListener("error", function (event) {
if (live.settled && event.error && event.error instanceof WebAssembly.RuntimeError) live.dead();
var link = event.target;
if (!link || link.rel !== "stylesheet") return;
var tries = link.getAttribute("data-tries") | 0;
if (tries > 2) return;
setTimeout(function () {
var again = link.cloneNode();
again.setAttribute("data-tries", tries + 1);
again.href = link.href.split("?")[0] + "?" + (tries + 1);
link.parentNode.replaceChild(again, link);
}, 1000 * Math.pow(3, tries));
}, true);
addEventListener("unhandledrejection", function (event) { if (live.settled && event.reason instanceof WebAssembly.RuntimeError) live.dead(); });
function reveal() {
var current = document.querySelector(".navigation [aria-current=page]");
if (current) current.scrollIntoView({ block: "nearest" });
}
document.addEventListener("DOMContentLoaded", reveal);
document.addEventListener("toggle", function (event) { if (event.target.id === "sidebar") reveal(); }, true);
// Another page of the app is shown in place, below the sidebar of a small screen.
addEventListener("click", function (event) {
var sidebar = event.target.closest && event.target.closest("#sidebar");
if (sidebar && sidebar.hidePopover && event.target.closest("a")) sidebar.hidePopover();
});
addEventListener("load", function () { setTimeout(function () { if (!live.started) live.dead(); }, 5000); });
})();
