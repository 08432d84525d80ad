// The composer's keys.
import { expect, test } from "../support/test.ts";

test("Shift+Enter breaks the line, Enter sends", async ({ alice }) => {
  await alice.makeRoom(`keys ${crypto.randomUUID().slice(0, 8)}`);
  await alice.composer.fill("one");
  await alice.composer.press("Shift+Enter");
  await alice.composer.pressSequentially("two");
  await alice.composer.press("Enter");
  await alice.expectMessages("one\ntwo");
  await expect(alice.composer).toHaveValue("");
  await expect(alice.composer).toBeFocused();
});

test("Enter that ends an IME composition does not send", async ({ alice }) => {
  await alice.makeRoom(`ime ${crypto.randomUUID().slice(0, 8)}`);
  await alice.composer.focus();
  const devtools = await alice.context.newCDPSession(alice.page);
  await devtools.send("Input.imeSetComposition", { text: "いど", selectionStart: 2, selectionEnd: 2 });
  // The key that confirms a conversion, as the browser reports it while the input method has it.
  const seen = await alice.composer.evaluate((element) => {
    const event = new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
    element.dispatchEvent(event);
    return event.defaultPrevented;
  });
  expect(seen, "the input method gets the key").toBe(false);
  await devtools.send("Input.insertText", { text: "井戸" });
  await expect(alice.composer).toHaveValue("井戸");
  await expect(alice.messages).toHaveCount(0);
  await alice.composer.press("Enter");
  await alice.expectMessages("井戸");
});

test("a text over the limit is held back and says by how much", async ({ alice }) => {
  await alice.makeRoom(`limit ${crypto.randomUUID().slice(0, 8)}`);
  await alice.composer.fill("が".repeat(4_003));
  await expect(alice.page.locator("#composer-hint")).toHaveText("3 characters too many");
  await expect(alice.page.getByRole("button", { name: "Send" })).toBeDisabled();
  await alice.composer.press("Enter");
  await expect(alice.composer).toHaveValue("が".repeat(4_003));
  await expect(alice.messages).toHaveCount(0);
});

test("a sentence that is not said yet outlives a reload, another name and another language, in its tab", async ({ alice, bob }) => {
  const room = await alice.makeRoom(`half ${crypto.randomUUID().slice(0, 8)}`);
  await bob.enterRoom(room);
  await alice.composer.fill("half a\nsentence");
  await alice.page.reload();
  await expect(alice.composer).toHaveValue("half a\nsentence");
  await alice.rename("alice the second");
  await expect(alice.composer).toHaveValue("half a\nsentence");
  await alice.openMenu();
  await alice.page.getByRole("link", { name: "日本語" }).click();
  await expect(alice.page.locator("html[data-hydrated]")).toHaveAttribute("lang", "ja");
  await expect(alice.composer).toHaveValue("half a\nsentence");
  const other = await alice.anotherTab();
  await other.enterRoom(room);
  await expect(other.composer).toHaveValue("");

  await alice.composer.press("Enter");
  await bob.expectMessages("half a\nsentence");
  await alice.page.reload();
  await expect(alice.page.locator("html[data-hydrated]")).toBeAttached();
  await alice.expectMessages("half a\nsentence");
  await expect(alice.composer).toHaveValue("");
});
