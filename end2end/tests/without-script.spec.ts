// JavaScript off: both pages are readable, and everything that can be sent has a form.
import { expect, test } from "../support/test.ts";

test("a reader without JavaScript reads and posts", async ({ alice, somebody, server }) => {
  const room = await alice.makeRoom(`plain ${crypto.randomUUID().slice(0, 8)}`);
  await alice.post("can you read this?");
  await alice.expectMessages("can you read this?");
  const text = `for all ${crypto.randomUUID()}`;
  await server.publish("ops", text);

  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto("/");
  await expect(plain.page.locator(".notification", { hasText: text })).toBeVisible();
  await expect(plain.page.locator('.value-card[data-channel="server"] .values li')).toHaveCount(10);
  await plain.page.getByText("This server", { exact: true }).click();
  await expect(plain.page.locator('.value-card[data-channel="server"] .series__value').first()).toBeVisible();

  await plain.page.goto(`/rooms/${room}`);
  await expect(plain.page.locator(".connection-badge").first(), "nothing connects").toBeHidden();
  await expect(plain.page.locator(".message__text")).toHaveText(["can you read this?"]);
  await plain.composer.fill("yes,\nand I can answer");
  await plain.page.getByRole("button", { name: "Send" }).click();
  await expect(plain.page.locator(".message__text").last()).toHaveText("yes,\nand I can answer");
  await alice.expectMessages("can you read this?", "yes,\nand I can answer");
});

test("without JavaScript older messages are read by links, to the first and back", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(`long ${crypto.randomUUID().slice(0, 8)}`);
  const texts = Array.from({ length: 120 }, (_, n) => `message ${n + 1}`);
  await alice.postByRequest(room, ...texts);
  for (const { locale, older, newest } of [
    { locale: "en-GB", older: "Older", newest: "Newest" },
    { locale: "ja-JP", older: "以前", newest: "最新" },
  ]) {
    const plain = await somebody({ javaScriptEnabled: false, locale });
    const link = (name: string) => plain.page.getByRole("link", { name, exact: true });
    const shown = () => plain.page.locator(".message__text").allTextContents();
    await plain.page.goto(`/rooms/${room}`);
    await expect(link(newest), "this is the newest").toHaveCount(0);
    const read = await shown();
    while (await link(older).count()) {
      await link(older).click();
      await expect(link(newest)).toBeVisible();
      read.unshift(...(await shown()));
    }
    expect(read, "each once, in their order").toEqual(texts);
    expect((await shown())[0]).toBe("message 1");
    await plain.page.goBack();
    expect((await shown())[0], "and back").toBe(texts.at(-100));
    await link(newest).click();
    expect(new URL(plain.page.url()).search).toBe("");
    expect((await shown()).at(-1)).toBe(texts.at(-1));
    // From far back an answer leads to where it stands.
    await link(older).click();
    await plain.composer.fill(`from far back (${locale})`);
    await plain.page.locator(".composer .primary").click();
    await expect(plain.page.locator(".message__text").last()).toHaveText(`from far back (${locale})`);
    texts.push(`from far back (${locale})`);
  }
});

test("without JavaScript older notifications are read by links, and what is gone is said to be", async ({ somebody, server, expectedFaults }) => {
  expectedFaults.push(/410/, /400/);
  const mark = crypto.randomUUID().slice(0, 8);
  for (let n = 1; n <= 40; n++) await server.publish("ops", `notice ${n} ${mark}`);
  const plain = await somebody({ javaScriptEnabled: false });
  const read: string[] = [];
  await plain.page.goto("/");
  while (!read.includes(`notice 1 ${mark}`)) {
    read.push(...(await plain.page.locator(".notification__text", { hasText: mark }).allTextContents()));
    const older = plain.page.getByRole("link", { name: "Older", exact: true });
    if (!(await older.count())) break;
    await older.click();
  }
  expect(read).toEqual(Array.from({ length: 40 }, (_, n) => `notice ${40 - n} ${mark}`));
  await plain.page.getByRole("link", { name: "Newest", exact: true }).click();
  await expect(plain.page.locator(".notification").first()).toContainText(mark);
  for (const [path, status] of [["/?before=gone:7", 410], ["/rooms/general?before=gone:7", 410], ["/rooms/general?before=x", 400]] as const) {
    expect((await plain.page.goto(path))!.status()).toBe(status);
    await expect(plain.page.getByRole("alert")).toHaveText("This part of the history is gone. Here is the newest instead.");
    await expect(plain.page.getByRole("heading", { level: 1 })).toBeVisible();
  }
});

test("an address of older messages is live at the newest where there is JavaScript, and links on where it fails", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(`linked ${crypto.randomUUID().slice(0, 8)}`);
  await alice.postByRequest(room, ...Array.from({ length: 120 }, (_, n) => `message ${n + 1}`));
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto(`/rooms/${room}`);
  const older = plain.page.getByRole("link", { name: "Older", exact: true });
  const address = new URL((await older.getAttribute("href"))!, plain.page.url()).href;
  await alice.open(address);
  await alice.expectConnected();
  await expect(alice.messages.last()).toHaveText(/message 120/);
  await expect(alice.page.locator(".history nav"), "its own button loads older ones").toBeHidden();
  await alice.post("and on");
  await expect(alice.messages.last()).toHaveText(/and on/);
  await alice.page.getByRole("region", { name: "Messages" }).evaluate((list) => list.scrollTo(0, -list.scrollHeight));
  await expect(alice.messages.filter({ hasText: /message 21$/ })).toBeAttached();
  const texts = await alice.page.locator(".message__text").allTextContents();
  expect(new Set(texts).size, "nothing is there twice").toBe(texts.length);

  const old = await somebody();
  await old.page.addInitScript(() => Object.defineProperty(window, "WebAssembly", { value: undefined }));
  await old.page.goto(address);
  await expect(old.page.locator("html[data-live=off]")).toBeAttached();
  await expect(old.messages.last()).toHaveText(/message 70/);
  await old.page.getByRole("link", { name: "Older", exact: true }).click();
  await expect(old.messages.first()).toHaveText(/message 1$/);
  await old.page.getByRole("link", { name: "Newest", exact: true }).click();
  await expect(old.messages.last()).toHaveText(/and on/);
});

test("without JavaScript a name can be changed and a room made", async ({ somebody, expectedFaults }) => {
  // The page that says so has the status of the rejection.
  expectedFaults.push(/^409 .*\/rooms\?/, /status of 409/);
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto("/rooms/general");
  await plain.openMenu();
  await plain.page.getByLabel("Your name").fill("Plain Jane");
  const answered = plain.page.waitForResponse((response) => response.request().method() === "POST");
  await plain.page.getByRole("button", { name: "Change" }).click();
  expect((await answered).status()).toBe(303);
  await plain.page.goto("/");
  await expect(plain.page.getByLabel("Your name")).toHaveValue("Plain Jane");
  const name = `quiet ${crypto.randomUUID().slice(0, 8)}`;
  await plain.page.getByText("New room").click();
  await plain.page.getByLabel("Name of the new room").fill(name);
  await plain.page.getByRole("button", { name: "Create" }).click();
  await expect(plain.page.getByRole("heading", { level: 1 })).toHaveText(name);
  await plain.page.getByText("New room").click();
  await plain.page.getByLabel("Name of the new room").fill(name);
  await plain.page.getByRole("button", { name: "Create" }).click();
  await expect(plain.page.getByRole("alert")).toHaveText("A room with this name already exists. Punctuation, upper case and character width make no difference.");
});

test("without JavaScript a message whose form is sent twice stands there once", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(`twice ${crypto.randomUUID().slice(0, 8)}`);
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto(`/rooms/${room}`);
  await plain.composer.fill("once is enough");
  await plain.page.getByRole("button", { name: "Send" }).dblclick();
  await alice.expectMessages("once is enough");
  // Back at the form, as the browser has kept it.
  await expect(plain.page.locator(".message__text")).toHaveText(["once is enough"]);
  const sent = plain.page.waitForResponse((response) => response.request().method() === "POST");
  await plain.composer.fill("and then another");
  await plain.page.getByRole("button", { name: "Send" }).click();
  expect((await sent).status()).toBe(303);
  await alice.expectMessages("once is enough", "and then another");
});
