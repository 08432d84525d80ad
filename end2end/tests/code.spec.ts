// Code in a message has the colours of its language, for who reads it and for who comes later, and stays the text it is.
import { AxeBuilder } from "@axe-core/playwright";
import type { Person } from "../support/people.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const code = (person: Person) => person.messages.last().locator("pre > code");

const RUST = '// a <b>comment</b>\nfn main() {\n    println!("{}", 42 && "井戸端");\n}\n';
const fenced = (language: string, text: string) => "```" + language + "\n" + text + "```";

test("bob sees the colours of alice's code at once, and of all kinds of words", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("code"));
  await bob.enterRoom(room);
  await alice.postByRequest(room, "look", fenced("rust", RUST));
  await expect(code(bob).locator(".c-comment").first()).toBeVisible();
  await expect(code(bob).locator(".c-string").first()).toBeVisible();
  await expect(code(bob).locator(".c-numeric")).toHaveText("42");
  expect(await code(bob).textContent(), "it is the same text").toBe(RUST);
  const colour = (kind: string) => code(bob).locator(kind).first().evaluate((word) => getComputedStyle(word).color);
  const colours = new Set([await colour(".c-comment"), await colour(".c-string"), await colour(".c-numeric"), await colour(".c-source")]);
  expect(colours.size).toBe(4);
  for (const colorScheme of ["light", "dark"] as const) {
    await bob.page.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page: bob.page }).analyze()).violations, colorScheme).toEqual([]);
  }
  // An edit is another code.
  await alice.page.reload();
  await expect(code(alice).locator(".c-comment").first(), "for who comes later").toBeVisible();
  const data = { id: crypto.randomUUID(), kind: "edit", text: fenced("python", "# other\nx = 1\n") };
  expect((await alice.context.request.post(`/api/rooms/${room}/messages/2/changes`, { data })).status()).toBe(201);
  await expect(code(bob).locator(".c-python").first()).toBeVisible();
  expect(await code(bob).textContent()).toBe("# other\nx = 1\n");
});

test("without JavaScript code is read as it was typed", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(unique("code"));
  await alice.postByRequest(room, fenced("rust", RUST));
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto(`/rooms/${room}`);
  expect(await code(plain).textContent()).toBe(RUST);
  await expect(code(plain)).toHaveAttribute("class", "language-rust");
});

test("code of no known language and code without one stay as they are", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique("code"));
  await bob.enterRoom(room);
  await alice.postByRequest(room, fenced("", "let a = 1;\n"), fenced("nothing", "let b = 1;\n"), fenced("js", "let c = 1;\n"));
  await expect(code(bob).locator(".c-storage").first()).toBeVisible();
  await expect(bob.page.locator("pre > code").nth(0)).toHaveText("let a = 1;");
  await expect(bob.page.locator("pre > code span")).not.toHaveCount(0);
  for (const at of [0, 1]) await expect(bob.page.locator("pre > code").nth(at).locator("span")).toHaveCount(0);
});

for (const { locale, copy } of [{ locale: "en-GB", copy: "Copy" }, { locale: "ja-JP", copy: "コピー" }]) {
  test(`on a phone long code scrolls in itself, and is copied by a tap (${locale})`, async ({ alice, somebody }) => {
    const room = await alice.makeRoom(unique("code"));
    const phone = await somebody({ locale, viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
    await phone.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await phone.context.request.post("/api/session", { data: { name: "携帯" } });
    await phone.enterRoom(room);
    const text = `${RUST}let long = "${"x".repeat(200)}";\n`;
    await alice.postByRequest(room, fenced("rust", text));
    await expect(code(phone).locator(".c-comment").first()).toBeVisible();
    const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide, "the page is as wide as the phone").toBeLessThanOrEqual(0);
    await code(phone).tap(); // where nothing can be pointed at, the button comes with the focus
    await phone.messages.last().getByRole("button", { name: copy }).tap();
    await expect.poll(() => phone.page.evaluate(() => navigator.clipboard.readText())).toBe(text.trimEnd());
    expect((await new AxeBuilder({ page: phone.page }).analyze()).violations).toEqual([]);
  });
}
