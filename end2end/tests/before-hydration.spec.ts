// The browser's half of the page is still on its way: what is read, typed and sent in that time is not lost.
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;

/** Holds the module back. Returns what lets it come. */
async function hold(page: Page): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue().catch(() => {}); // the page that asked may be gone
  });
  return release;
}

test("what is read and typed before the page is live stays, with the caret, and is sent after", async ({ alice, bob }) => {
  const room = await bob.makeRoom(unique("early typing"));
  await bob.postByRequest(room, "said before");
  const release = await hold(alice.page);
  await alice.page.goto(`/rooms/${room}`, { waitUntil: "domcontentloaded" });
  await expect(alice.messages.locator(".message__text")).toHaveText(["said before"]);
  await alice.composer.pressSequentially("from the start");
  for (const _ of "start") await alice.composer.press("ArrowLeft");
  await bob.post("said meanwhile");
  await expect(alice.page.locator("html[data-hydrated]")).not.toBeAttached();
  release();
  await alice.expectConnected();
  await expect(alice.composer).toBeFocused();
  await expect(alice.composer).toHaveValue("from the start");
  await alice.page.keyboard.type("very ");
  await alice.page.keyboard.press("Enter");
  await alice.expectMessages("said before", "said meanwhile", "from the very start");
  await bob.expectMessages("said before", "said meanwhile", "from the very start");
});

for (const [how, send] of [
  ["Enter", (page: Page) => page.keyboard.press("Enter")],
  ["the button", (page: Page) => page.getByRole("button", { name: "Send" }).click()],
] as const) {
  test(`what is sent by ${how} before the page is live is there once, and what is typed then stays`, async ({ alice, bob }) => {
    const room = await bob.makeRoom(unique("early sending"));
    const release = await hold(alice.page);
    await alice.page.goto(`/rooms/${room}`, { waitUntil: "domcontentloaded" });
    await alice.composer.pressSequentially("sent early");
    const answered = alice.page.waitForResponse((response) => response.request().method() === "POST");
    await send(alice.page);
    expect((await answered).status()).toBe(303);
    await expect(alice.messages.locator(".message__text")).toHaveText(["sent early"]);
    await expect(alice.page.locator("html[data-hydrated]")).not.toBeAttached();
    await alice.composer.pressSequentially("and this");
    release();
    await alice.expectConnected();
    await expect(alice.composer).toHaveValue("and this");
    await alice.composer.press("Enter");
    await alice.expectMessages("sent early", "and this");
    await bob.expectMessages("sent early", "and this");
  });
}
