// Markdown in messages: what one writes the other sees formatted, on every page and without a script, and nobody is harmed.
import type { Page } from "@playwright/test";
import axe from "axe-core";
import type { Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const LINK = { target: "_blank", rel: "noopener noreferrer nofollow ugc" };

const EVERYTHING = `## Release
**bold**, *italic*, ~~gone~~, \`let x = 1\` and [the docs](https://docs.example/a_b_c)
- milk
- eggs
1. first
2. second
> quoted
> twice
and a bare https://example.org/_a_b_ address

\`\`\`rust
fn main() {
    println!("**not bold** :tada: <b>");
}
\`\`\`
| name | count |
|------|------:|
| tea  | 3 |`;

const last = (person: Person) => person.page.locator(".messages .message__text").last();

test("what one writes in Markdown the other sees formatted, and so it stays after a reload", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("marks"));
  await bob.enterRoom(room);
  await alice.post(EVERYTHING);
  const seen = async (person: Person) => {
    const text = last(person);
    await expect(text.locator(".heading")).toHaveText("Release");
    await expect(text.locator("p > strong")).toHaveText(["bold"]);
    await expect(text.locator("em")).toHaveText("italic");
    await expect(text.locator("del")).toHaveText("gone");
    await expect(text.locator(":not(pre) > code")).toHaveText("let x = 1");
    await expect(text.locator("ul > li")).toHaveText(["milk", "eggs"]);
    await expect(text.locator("ol > li")).toHaveText(["first", "second"]);
    await expect(text.locator("blockquote")).toHaveText(/^quoted\s*twice$/);
    await expect(text.locator("blockquote")).not.toContainText("bare");
    await expect(text.locator("a")).toHaveText(["the docs", "https://example.org/_a_b"]);
    for (const [name, value] of Object.entries(LINK)) await expect(text.locator("a").first()).toHaveAttribute(name, value);
    await expect(text.locator("pre")).toHaveText('fn main() {\n    println!("**not bold** :tada: <b>");\n}\n', { useInnerText: false });
    await expect(text.locator("pre")).toHaveAccessibleName("Code");
    await expect(text.locator("th")).toHaveText(["name", "count"]);
    await expect(text.locator("td")).toHaveText(["tea", "3"]);
    expect(await text.locator("td").last().evaluate((cell) => getComputedStyle(cell).textAlign)).toBe("end");
    expect(await text.locator("ul > li").first().evaluate((item) => getComputedStyle(item).listStyleType)).toBe("disc");
    const weight = (selector: string) => text.locator(selector).first().evaluate((element) => Number(getComputedStyle(element).fontWeight));
    expect(await weight("strong")).toBeGreaterThan(await weight("ul"));
  };
  for (const person of [alice, bob]) await seen(person);
  await bob.page.reload();
  await bob.expectConnected();
  await seen(bob);
  // The page that was drawn by the server is the one that lives.
  await alice.post("**and** on");
  await expect(last(bob).locator("strong")).toHaveText("and");
});

test("what looks like markup and is none stays as it was typed", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("plain"));
  await bob.enterRoom(room);
  const texts = ["snake_case_words", "2 * 3 * 4", "C:\\path\\_x_", "<script>alert(1)</script>", "&amp;", "~5 min ~ 6 min", "-", "1.", "¯\\_(ツ)_/¯", ">_<"];
  for (const text of texts) await alice.post(text);
  await bob.expectMessages(...texts);
  await expect(bob.page.locator(".messages .formatted")).toHaveCount(0);
  await bob.page.reload();
  await bob.expectMessages(...texts);
});

test("Japanese needs no spaces around its emphasis, and other scripts run in their direction", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("日本語"));
  await bob.enterRoom(room);
  await alice.post("これは**「強調」**です。**太字**も*斜体*も。\n**שלום** עולם");
  await expect(last(bob).locator("strong")).toHaveText(["「強調」", "太字", "שלום"]);
  await expect(last(bob).locator("em")).toHaveText("斜体");
  await alice.post("**שלום** עולם\n\n- אחת\n- שתיים\n\n> ציטוט");
  await expect(last(bob).locator("li")).toHaveCount(2);
  for (const selector of ["p[dir=auto]", "ul", "blockquote"])
    expect(await last(bob).locator(selector).first().evaluate((block) => getComputedStyle(block).direction), selector).toBe("rtl");
});

test("what is written in Markdown while one is cut off is formatted for both when the connection is back", async ({
  alice,
  bob,
  expectedFaults,
}) => {
  expectedFaults.push(/ERR_INTERNET_DISCONNECTED/);
  const room = await bob.makeRoom(unique("drop"));
  await alice.enterRoom(room);
  await bob.post("before");
  await expect(alice.messages).toHaveCount(1);
  await alice.context.setOffline(true);
  await bob.post("**loud** and `exact`");
  await alice.composer.fill("- one\n- two");
  await alice.composer.press("Enter");
  await expect(alice.messages.last().locator(".message__text"), "the source, until it is sent").toHaveText("- one\n- two");
  await alice.context.setOffline(false);
  for (const person of [alice, bob]) {
    await expect(person.messages).toHaveCount(3, { timeout: 40_000 });
    await expect(person.page.locator(".message li")).toHaveText(["one", "two"]);
    await expect(person.page.locator(".message strong").filter({ hasText: "loud" })).toBeVisible();
    await expect(person.page.locator(".message :not(pre) > code")).toHaveText("exact");
  }
});

test("a draft shows its source, and the message that it becomes is formatted", async ({ alice }) => {
  let isMute = true;
  const held: (() => void)[] = [];
  await alice.page.routeWebSocket("/ws", (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const pass = () => server.send(message);
      if (isMute && String(message).includes('"post"')) held.push(pass);
      else pass();
    });
  });
  await alice.makeRoom(unique("draft"));
  await alice.post("**soon**");
  await expect(alice.page.locator(".message[data-state=pending] .message__text")).toHaveText("**soon**");
  isMute = false;
  held.forEach((pass) => pass());
  await alice.expectMessages("soon");
  await expect(last(alice).locator("strong")).toHaveText("soon");
});

test("a block of code is copied by its button, with the pointer and with the keyboard", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("copy"));
  await bob.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await bob.enterRoom(room);
  await alice.post("run this:\n```sh\nmake test\n  && make run\n```");
  const code = last(bob).locator("pre");
  await expect(code).toBeVisible();
  await expect(last(bob).getByRole("button")).toHaveCount(0);
  await code.hover();
  await last(bob).getByRole("button", { name: "Copy" }).click();
  await expect(last(bob).getByRole("button")).toHaveText("Copied");
  const clipboard = () => bob.page.evaluate(() => navigator.clipboard.readText());
  expect(await clipboard()).toBe("make test\n  && make run");

  await bob.post("```\nby keyboard\n```");
  await expect(last(bob).locator("pre")).toHaveText("by keyboard");
  await last(bob).locator("pre").focus();
  await expect(last(bob).getByRole("button", { name: "Copy" })).toBeAttached();
  await bob.page.keyboard.press("Tab");
  await expect(last(bob).getByRole("button", { name: "Copy" })).toBeFocused();
  await bob.page.keyboard.press("Enter");
  await expect(last(bob).getByRole("button")).toHaveText("Copied");
  expect(await clipboard()).toBe("by keyboard");
});

test("a wide table and long code scroll in themselves on a phone", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(unique("wide"));
  const columns = Array.from({ length: 12 }, (_, n) => `column ${n}`);
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  await alice.post([row(columns), row(columns.map(() => "---")), row(columns.map(() => "some words"))].join("\n"));
  await alice.post(`\`\`\`\n${"long_".repeat(60)}\n\`\`\``);
  await expect(alice.messages).toHaveCount(2);
  const bob = await somebody({ viewport: { width: 320, height: 568 } });
  await bob.enterRoom(room);
  for (const [selector, name] of [[".table", "Table"], ["pre", "Code"]] as const) {
    const block = bob.page.locator(`.messages ${selector}`);
    await expect(block).toHaveAccessibleName(name);
    expect(await block.evaluate((element) => element.scrollWidth > element.clientWidth), `${selector} is wider than its place`).toBe(true);
    await block.focus();
    await bob.page.keyboard.press("ArrowRight");
    await expect.poll(() => block.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0);
  }
  expect(await bob.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  const overflow = await bob.page.locator(".message-list__scroller").evaluate((scroller) => scroller.scrollWidth - scroller.clientWidth);
  expect(overflow, "nothing else scrolls sideways").toBeLessThanOrEqual(0);
});

test("a preview shows what a text will look like, by its button and by Alt+P, and sends nothing", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("preview"));
  await bob.enterRoom(room);
  const preview = alice.page.getByRole("region", { name: "Preview", exact: true });
  await alice.composer.fill("**soon** <b> :tada:");
  await alice.page.getByRole("button", { name: "Preview" }).click();
  await expect(preview).toHaveText("soon <b> 🎉");
  await expect(preview.locator("strong")).toHaveText("soon");
  await expect(alice.composer).toHaveValue("**soon** <b> :tada:");
  await alice.page.getByRole("button", { name: "Preview" }).click();
  await expect(preview).toBeHidden();
  await alice.composer.press("Alt+p");
  await expect(preview.locator("strong")).toHaveText("soon");
  await alice.composer.pressSequentially("!");
  await expect(preview, "it shows another text").toBeHidden();
  await alice.composer.press("Alt+p");
  await expect(preview).toHaveText("soon <b> 🎉!");
  await expect(bob.messages).toHaveCount(0);
  await alice.composer.press("Enter");
  await expect(last(bob)).toHaveText("soon <b> 🎉!");
  await expect(preview).toBeHidden();
  await expect(alice.messages).toHaveCount(1);
});

test("without JavaScript Markdown is read, and previewed by the form", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(unique("noscript"));
  await alice.post("```\ncode\n```\n**bold**");
  await expect(last(alice).locator("strong")).toBeVisible();
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto(`/rooms/${room}`);
  await expect(last(plain).locator("strong")).toHaveText("bold");
  await expect(last(plain).getByRole("button")).toHaveCount(0);
  const text = "*mine* </textarea><script>\n- a";
  await plain.composer.fill(text);
  await plain.page.getByRole("button", { name: "Preview" }).click();
  const preview = plain.page.getByRole("region", { name: "Preview", exact: true });
  await expect(preview.locator("em")).toHaveText("mine");
  await expect(preview.locator("li")).toHaveText("a");
  await expect(plain.composer).toHaveValue(text);
  await expect(alice.messages, "nothing was sent").toHaveCount(1);
  await plain.page.getByRole("button", { name: "Send" }).click();
  await expect(last(plain).locator("em")).toHaveText("mine");
  await expect(last(alice).locator("em")).toHaveText("mine");
  await expect(plain.composer).toHaveValue("");
});

test("an emoji is completed by the keyboard alone, and the other sees it", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("emoji"));
  await bob.enterRoom(room);
  const list = alice.page.getByRole("listbox", { name: "Emoji" });
  await alice.composer.pressSequentially("done :ta");
  await expect(list.getByRole("option").first()).toHaveText("🎉 :tada:");
  await expect(list.getByRole("option", { selected: true })).toHaveText("🎉 :tada:");
  await alice.composer.press("ArrowDown");
  await expect(list.getByRole("option", { selected: true })).not.toHaveText("🎉 :tada:");
  await expect(list.getByRole("option", { selected: true })).toHaveId((await alice.composer.getAttribute("aria-activedescendant"))!);
  await alice.composer.press("ArrowUp");
  await alice.composer.press("Enter");
  await expect(alice.composer).toHaveValue("done 🎉");
  await expect(list).toBeHidden();
  await expect(alice.messages, "Enter chose and did not send").toHaveCount(0);
  // Escape leaves what was typed, and the list does not come back with the next letter.
  await alice.composer.pressSequentially(" :ro");
  await expect(list).toBeVisible();
  await alice.composer.press("Escape");
  await expect(list).toBeHidden();
  await alice.composer.pressSequentially("ck");
  await expect(alice.composer).toHaveValue("done 🎉 :rock");
  await expect(list).toBeHidden();
  await alice.composer.press("End");
  for (let n = 0; n < 5; n++) await alice.composer.press("Backspace");
  await alice.composer.pressSequentially(":rocket");
  await expect(list.getByRole("option").first()).toHaveText("🚀 :rocket:");
  await alice.composer.press("Tab");
  await expect(alice.composer).toHaveValue("done 🎉 🚀");
  await expect(alice.composer).toBeFocused();
  await alice.composer.press("Enter");
  await bob.expectMessages("done 🎉 🚀");
  // One that is written out is shown by the server.
  await bob.post("thanks :+1: `:+1:`");
  await expect(last(alice)).toHaveText("thanks 👍 :+1:");
});

test("emoji are found by their Japanese names, in the middle of a sentence", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(unique("絵文字"));
  const hanako = await somebody({ locale: "ja-JP" });
  await hanako.enterRoom(room);
  const list = hanako.page.getByRole("listbox", { name: "絵文字" });
  await hanako.composer.pressSequentially("できました：くらっか");
  await expect(list.getByRole("option").first()).toHaveText("🎉 クラッカー");
  await list.getByRole("option").first().click();
  await expect(hanako.composer).toHaveValue("できました🎉");
  await expect(hanako.composer).toBeFocused();
  await hanako.composer.press("Enter");
  await expect(last(alice)).toHaveText("できました🎉");
});

test("an evil text harms nobody: no element, no script, no request to elsewhere", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("evil"));
  const elsewhere: string[] = [];
  bob.page.on("request", (request) => new URL(request.url()).hostname !== "127.0.0.1" && elsewhere.push(request.url()));
  await bob.enterRoom(room);
  await alice.post(
    [
      "**x** <img src=x onerror=alert(1)> <script>document.title='x'</script> <!-- <b>",
      "![pixel](https://evil.example/pixel.png) [run](javascript:alert(1)) ![run](javascript:alert(1))",
      "[data](data:text/html,<script>alert(1)</script>) [https://bank.example](https://evil.example)",
      '[a](https://a.example/"onmouseover="alert(1)) <https://b.example/"onclick=alert(1)>',
      '```"onmouseover="alert(1)\n</code></pre><script>alert(1)</script>\n```',
      "</div></li></ol><form action=https://evil.example><button name=preview>",
    ].join("\n"),
  );
  const check = async () => {
    await expect(last(bob).locator("strong")).toHaveText("x");
    await expect(last(bob)).toContainText("<script>document.title='x'</script>");
    await expect(last(bob).locator("a", { hasText: "pixel" })).toHaveAttribute("href", "https://evil.example/pixel.png");
    await expect(last(bob).locator("img, script, iframe, form, input, style, object, svg")).toHaveCount(0);
    const attributes = await last(bob).evaluate((text) => [...text.querySelectorAll("*")].flatMap((element) => element.getAttributeNames()));
    expect(attributes.filter((name) => name.startsWith("on") || name === "style")).toEqual([]);
    const links = await last(bob).locator("a").evaluateAll((found) => found.map((link) => [link.textContent!, (link as HTMLAnchorElement).href]));
    for (const [words, href] of links) {
      expect(href).toMatch(/^https?:/);
      if (/^https?:/.test(words)) expect(new URL(words).href, "a link leads where its words say").toBe(href);
    }
  };
  await check();
  await bob.page.reload();
  await bob.expectConnected();
  await check();
  expect(elsewhere, "no request went out").toEqual([]);
});

async function faults(page: Page): Promise<string[]> {
  type Found = { violations: { id: string; nodes: { html: string }[] }[] };
  return page.evaluate(async () => {
    const found: Found = await (window as any).axe.run(document, { resultTypes: ["violations"] });
    return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
  });
}

test("axe finds nothing in formatted messages, a preview and the list of emoji", async ({ alice }) => {
  await alice.makeRoom(unique("axe"));
  await alice.post(EVERYTHING);
  await expect(last(alice).locator("table")).toBeVisible();
  await alice.composer.fill(EVERYTHING);
  await alice.composer.press("Alt+p");
  await expect(alice.page.getByRole("region", { name: "Preview", exact: true }).locator("table")).toBeVisible();
  await last(alice).locator("pre").hover();
  await expect(last(alice).getByRole("button", { name: "Copy" })).toBeAttached();
  await alice.page.evaluate(axe.source);
  const look = { forcedColors: "none", reducedMotion: "reduce", colorScheme: "light" } as const;
  for (const more of [{}, { colorScheme: "dark" }, { forcedColors: "active" }] as const) {
    await alice.page.emulateMedia({ ...look, ...more });
    expect(await faults(alice.page)).toEqual([]);
  }
  await alice.page.emulateMedia(look);
  await alice.page.setViewportSize({ width: 320, height: 568 });
  expect(await faults(alice.page)).toEqual([]);
  await alice.composer.fill("");
  await alice.composer.pressSequentially(":ta");
  await expect(alice.page.getByRole("listbox")).toBeVisible();
  expect(await faults(alice.page)).toEqual([]);
  expect(await alice.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
});
