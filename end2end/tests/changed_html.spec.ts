// HTML that was changed between the server and the page: the page becomes live all the same, and what was typed before
// stays.
import type { Page } from "@playwright/test";
import type { Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** A proxy on the way of the person's pages. */
async function rewrite(page: Page, change: (html: string) => string, path = "/rooms/*") {
  // Chromium does not know where a page came from that Playwright changed.
  await page.context().grantPermissions(["local-network-access"]);
  await page.route(`**${path}`, async (route) => {
    if (route.request().resourceType() !== "document") return route.continue();
    const response = await route.fetch({ maxRedirects: 0 });
    await route.fulfill({ response, body: change(await response.text()) });
  });
}

/** Runs in the page when its HTML is there, before the page's own module scripts. */
async function asExtension(page: Page, change: () => void) {
  await page.addInitScript(`document.addEventListener("readystatechange", () => document.readyState === "interactive" && (${change})())`);
}

const onTheWay: Record<string, (html: string) => string> = {
  "an address that is hidden from robots": (html) =>
    html.replace("ask bob@example.org", 'ask <a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="2b">[email&#160;protected]</a>'),
  "comments that are stripped": (html) => html.replaceAll("<!>", ""),
  "spaces that are made fewer": (html) => html.replaceAll("> <", "><"),
  "an element that is put first into the body": (html) => html.replace("<body>", '<body><div id="banner">ad</div>'),
  "an element that is put before the app's own": (html) => html.replace('<div class="frame">', '<div id="banner">ad</div><div class="frame">'),
  "an element that is put last into the page": (html) => html.replace("</main>", "<aside>ad</aside></main>"),
};

const inThePage: Record<string, () => void> = {
  "an extension's element first in the body": () => document.body.prepend(document.createElement("grammar-check")),
  "an extension's element beside the field": () => document.querySelector("textarea")!.after(document.createElement("grammar-check")),
  "texts that a translator wraps": () => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts: Text[] = [];
    while (walk.nextNode()) if (walk.currentNode.parentElement!.tagName !== "SCRIPT") texts.push(walk.currentNode as Text);
    for (const text of texts) {
      const outer = document.createElement("font");
      outer.append(document.createElement("font"));
      text.replaceWith(outer);
      outer.firstChild!.appendChild(text);
    }
  },
  "a word that is highlighted": () => {
    for (const element of document.querySelectorAll(".message__text")) {
      const mark = document.createElement("mark");
      mark.textContent = "ask";
      (element.firstChild as Text).splitText(3);
      element.firstChild!.replaceWith(mark);
    }
  },
  "a text that is split": () => {
    for (const element of document.querySelectorAll(".message__text")) (element.firstChild as Text).splitText(3);
  },
};

/** What makes a page live: it hears the other one, sends with Enter, and says so. */
async function expectLive(alice: Person, bob: Person) {
  await alice.expectConnected();
  await bob.post("do you hear me?");
  await expect(alice.page.locator(".message__text").last()).toHaveText("do you hear me?");
  await alice.composer.fill("I do");
  await alice.composer.press("Enter");
  await bob.expectMessages("ask bob@example.org", "do you hear me?", "I do");
  await expect(alice.page.locator("#not-live")).toBeHidden();
}

for (const [what, change] of Object.entries(onTheWay)) {
  test(`a page is live in spite of ${what}`, async ({ alice, bob }) => {
    const room = await bob.makeRoom(unique("rewritten"));
    await bob.post("ask bob@example.org");
    await rewrite(alice.page, change);
    await alice.page.goto(`/rooms/${room}`);
    await expectLive(alice, bob);
    await alice.expectMessages("ask bob@example.org", "do you hear me?", "I do");
  });
}

for (const [what, change] of Object.entries(inThePage)) {
  test(`a page is live in spite of ${what}`, async ({ alice, bob }) => {
    const room = await bob.makeRoom(unique("changed"));
    await bob.post("ask bob@example.org");
    await asExtension(alice.page, change);
    await alice.page.goto(`/rooms/${room}`);
    await expectLive(alice, bob);
  });
}

test("what was typed into a changed page before it is live stays, with the caret", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("typed early"));
  await rewrite(alice.page, (html) => html.replaceAll("<!>", ""));
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await alice.page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await alice.page.goto(`/rooms/${room}`, { waitUntil: "domcontentloaded" });
  await alice.composer.pressSequentially("from the start");
  for (const _ of "start") await alice.composer.press("ArrowLeft");
  release();
  await alice.expectConnected();
  await expect(alice.composer).toBeFocused();
  await alice.page.keyboard.type("very ");
  await alice.page.keyboard.press("Enter");
  await bob.expectMessages("from the very start");
});

test("a page whose nodes seem right and that cannot be taken over is drawn anew", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("deceiving"));
  await bob.post("ask bob@example.org");
  await asExtension(alice.page, () => {
    const app = document.getElementById("app")!;
    for (const marker of document.querySelectorAll(".message__text")) marker.replaceChildren(document.createComment("no text"));
    // The signature as live.js computes it, of what is there now.
    let hash = 0;
    for (const walk = document.createTreeWalker(app, 133); walk.nextNode(); )
      for (const letter of `${walk.currentNode.nodeName.toLowerCase()};`) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
    document.getElementById("start")!.dataset.nodes = String(hash >>> 0);
  });
  await alice.page.goto(`/rooms/${room}`);
  await expectLive(alice, bob);
  await alice.expectMessages("ask bob@example.org", "do you hear me?", "I do");
});

test("a changed page keeps its place and the focus of a button when it becomes live", async ({ alice, server }) => {
  for (let count = 0; count < 40; count++) await server.publish("ops", `line ${count}`);
  await alice.page.setViewportSize({ width: 800, height: 400 });
  await rewrite(alice.page, (html) => html.replaceAll("<!>", ""), "/");
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await alice.page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await alice.page.goto("/", { waitUntil: "domcontentloaded" });
  const scrolled = () => alice.page.evaluate(() => [scrollY, document.querySelector("main")!.scrollTop].join());
  await alice.page.mouse.move(600, 300);
  await alice.page.mouse.wheel(0, 600);
  await expect.poll(scrolled).toMatch(/[1-9]/);
  const place = await scrolled();
  const [button, menu] = [alice.page.locator(".menu > button"), alice.page.locator(".menu__panel")];
  await button.click();
  await expect(menu).toBeVisible();
  release();
  await expect(alice.page.locator("[data-connection=open]").first()).toBeVisible();
  await expect(menu, "it is open still").toBeVisible();
  await expect(button).toBeFocused();
  expect(await scrolled()).toBe(place);
});

test("a changed page that cannot be drawn anew either shows what was sent, and its form works", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/RuntimeError|unreachable/);
  const room = await bob.makeRoom(unique("drawn in vain"));
  await bob.post("ask bob@example.org");
  await rewrite(alice.page, (html) => html.replaceAll("<!>", ""));
  await alice.page.route("**/live.js*", async (route) => {
    const response = await route.fetch();
    const broken = 'document.getElementById("app").replaceChildren(); throw new WebAssembly.RuntimeError("unreachable");';
    await route.fulfill({ response, body: (await response.text()).replace("module.start(true);", broken) });
  });
  await alice.page.goto(`/rooms/${room}`);
  await expect(alice.page.getByRole("alert")).toContainText("This page is not live");
  await expect(alice.messages.locator(".message__text")).toHaveText(["ask bob@example.org"]);
  await alice.composer.fill("I do");
  await alice.composer.press("Enter");
  await bob.expectMessages("ask bob@example.org", "I do");
});
