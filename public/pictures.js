// Files below messages: a picture opens above the page, where it is as large as the window, and where an animated one plays; a
// text shows its first lines. live.js loads it when a page has a file. Without it the links open the files themselves.
const FIRST_BYTES = 2000; // of a text: what is worth reading beside a talk
const FIRST_LINES = 20;
const ja = document.documentElement.lang === "ja";
const words = ja
  ? { picture: "画像", close: "閉じる", before: "前の画像", after: "次の画像", original: "元のファイルを開く", lines: "最初の行を表示", more: "…続きはファイルにあります", failed: "表示できませんでした。" }
  : { picture: "Picture", close: "Close", before: "Previous picture", after: "Next picture", original: "Open the file", lines: "Show the first lines", more: "… the rest is in the file", failed: "It could not be shown." };

const style = new CSSStyleSheet();
style.replaceSync(`
  .lightbox { box-sizing: border-box; inline-size: 100vw; block-size: 100dvh; max-inline-size: none; max-block-size: none; margin: 0; padding: var(--space-2); border: 0; background: rgb(0 0 0 / 88%); color: #fff; }
  .lightbox[open] { display: grid; grid-template: auto minmax(0, 1fr) auto / auto minmax(0, 1fr) auto; gap: var(--space-2); }
  .lightbox::backdrop { background: none; }
  .lightbox :is(button, a) { min-block-size: 2.75rem; min-inline-size: 2.75rem; padding: var(--space-2); border: 1px solid #fff8; border-radius: var(--radius); background: #000a; color: #fff; font: inherit; text-align: center; }
  .lightbox :focus-visible { outline: 2px solid #fff; outline-offset: 2px; }
  .lightbox header { grid-column: 1 / -1; display: flex; justify-content: flex-end; align-items: center; gap: var(--space-2); }
  .lightbox header a { text-decoration: none; }
  .lightbox [data-step] { align-self: center; }
  .lightbox [data-step]:disabled { visibility: hidden; }
  .lightbox img { grid-column: 2; place-self: center; max-inline-size: 100%; max-block-size: 100%; object-fit: contain; }
  .lightbox p { grid-column: 1 / -1; justify-self: center; margin: 0; max-block-size: 20dvh; overflow: auto; text-align: center; overflow-wrap: anywhere; }
  .lines { margin-block-start: var(--space-1); }
`);
document.adoptedStyleSheets.push(style);

function element(name, props = {}, ...children) {
  const made = Object.assign(document.createElement(name), props);
  made.append(...children);
  return made;
}

let dialog;
let parts;
let shown;
const pictures = () => [...document.querySelectorAll(".files a.picture")];

function build() {
  const step = (by, text) => {
    const button = element("button", { type: "button", textContent: by < 0 ? "‹" : "›", onclick: () => move(by) });
    button.dataset.step = by;
    button.setAttribute("aria-label", text);
    return button;
  };
  parts = {
    before: step(-1, words.before),
    after: step(1, words.after),
    image: element("img"),
    caption: element("p", { dir: "auto" }),
    original: element("a", { target: "_blank", rel: "noopener", textContent: words.original }),
  };
  const close = element("button", { type: "button", textContent: words.close, onclick: () => dialog.close() });
  parts.caption.setAttribute("aria-live", "polite");
  dialog = element("dialog", { className: "lightbox" }, element("header", {}, parts.original, close), parts.before, parts.image, parts.after, parts.caption);
  dialog.setAttribute("aria-label", words.picture);
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("keydown", ({ key }) => {
    const isRtl = getComputedStyle(dialog).direction === "rtl";
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (by) move(isRtl ? -by : by);
  });
  // The picture that was shown last has the focus then; the browser would give it to the first.
  dialog.addEventListener("close", () => {
    parts.image.removeAttribute("src");
    shown?.focus();
  });
  document.body.append(dialog);
}

function show(link) {
  shown = link;
  const all = pictures();
  const at = all.indexOf(link);
  const alt = link.querySelector("img").alt;
  const hadFocus = document.activeElement;
  parts.before.disabled = at <= 0;
  parts.after.disabled = at === all.length - 1;
  if (hadFocus?.disabled) parts.original.focus();
  parts.image.src = parts.original.href = link.href;
  parts.image.alt = alt;
  parts.caption.textContent = alt && alt !== link.title ? `${alt} (${link.title})` : link.title;
}

function move(by) {
  const all = pictures();
  const next = all[all.indexOf(shown) + by];
  if (next) show(next);
}

addEventListener("click", (event) => {
  const link = event.target.closest?.(".files a.picture");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (!dialog) build();
  show(link);
  dialog.showModal();
});

/** Gives each text a button for its first lines. */
function addButtons() {
  for (const link of document.querySelectorAll(".files a[data-text]:not([data-has-lines])")) {
    link.dataset.hasLines = "";
    const button = element("button", { type: "button", textContent: words.lines, onclick: () => lines(link, button) });
    button.setAttribute("aria-label", `${words.lines}: ${link.textContent}`);
    link.parentElement.append(" ", button);
  }
}

async function lines(link, button) {
  const block = element("pre", { className: "lines", tabIndex: 0, dir: "auto" });
  block.setAttribute("role", "region");
  block.setAttribute("aria-label", link.textContent);
  try {
    const response = await fetch(link.href, { headers: { range: `bytes=0-${FIRST_BYTES - 1}` } });
    // There is no part of an empty file: 416.
    if (!response.ok && response.status !== 416) throw new Error(String(response.status));
    const size = Number(response.headers.get("content-range")?.split("/")[1] ?? 0);
    // A character may be cut at the end: it is not shown.
    const text = response.ok ? new TextDecoder().decode(await response.arrayBuffer(), { stream: true }) : "";
    const first = text.split("\n").slice(0, FIRST_LINES).join("\n");
    block.textContent = first + (size > FIRST_BYTES || first.length < text.trimEnd().length ? `\n${words.more}` : "");
  } catch {
    block.textContent = words.failed;
  }
  // As a block of code: messages.js gives it its button to copy.
  button.replaceWith(element("div", { className: "code" }, block));
  block.focus();
}

addButtons();
new MutationObserver(addButtons).observe(document.getElementById("app"), { childList: true, subtree: true });
