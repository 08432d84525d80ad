// What another app shares comes to a room: chosen by hand, sent once, with and without a script, and kept through signing in.
import { join, PASSWORD, signIn, test as withAccounts } from "../support/accounts.ts";
import { expect, test } from "../support/test.ts";

const unique = (name: string) => `${name} ${crypto.randomUUID().slice(0, 8)}`;
const SHARED = "/share?title=A+page&text=look+at+this+%26+that&url=https%3A%2F%2Fexample.com%2F%3Fa%3Db%23c";
const TEXT = "A page\nlook at this & that\nhttps://example.com/?a=b#c";

for (const { locale, javaScriptEnabled, room: label, message, send } of [
  { locale: "en-GB", javaScriptEnabled: true, room: "Room", message: "Message", send: "Send" },
  { locale: "ja-JP", javaScriptEnabled: false, room: "ルーム", message: "メッセージ", send: "送信" },
]) {
  test(`what is shared is posted once to the room that one chooses (${locale}, script: ${javaScriptEnabled})`, async ({ bob, somebody }) => {
    const name = unique("shared");
    const room = await bob.makeRoom(name);
    const alice = await somebody({ locale, javaScriptEnabled, viewport: { width: 390, height: 844 } });
    const { page } = alice;
    await page.goto(SHARED);
    await expect(page.getByLabel(message, { exact: true })).toHaveValue(TEXT);
    await page.getByLabel(message, { exact: true }).fill(`${TEXT}\nand more`);
    await page.getByLabel(label, { exact: true }).selectOption({ label: name });
    const once = await page.locator("[name=once]").inputValue();
    await page.getByRole("button", { name: send, exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`/rooms/${room}$`));
    await expect(alice.messages.locator(".message__text")).toHaveText(`${TEXT}\nand more`);
    // The same form once more, as by a second tap.
    const again = await alice.context.request.post("/share", { form: { once, room, text: `${TEXT}\nand more`.replaceAll("\n", "\r\n") } });
    expect(again.ok()).toBe(true);
    await bob.expectMessages(`${TEXT}\nand more`);
    await bob.post("seen");
    await bob.expectMessages(`${TEXT}\nand more`, "seen");
  });
}

test("favourites stand first, and a room that one may not enter is not among the rooms", async ({ alice, bob }) => {
  await bob.open("/");
  const secret = unique("secret");
  await bob.makePrivateRoom(secret);
  await alice.page.goto("/favourites/tech?add=true&back=/share");
  const rooms = await alice.page.locator("option").allTextContents();
  expect(rooms[0]).toBe("tech");
  expect(rooms).toContain("general");
  expect(rooms).not.toContain(secret);
});

test("a rejected text comes back with its room, and can be sent", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/^400|status of 400/);
  const { page } = alice;
  await page.goto("/share?text=+");
  await page.getByLabel("Message", { exact: true }).evaluate((field: HTMLTextAreaElement) => field.removeAttribute("required"));
  await page.getByLabel("Room", { exact: true }).selectOption("random");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Room", { exact: true })).toHaveValue("random");
  const text = unique("now with a text");
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page).toHaveURL(/\/rooms\/random$/);
  await expect(alice.messages.locator(".message__text").last()).toHaveText(text);
});

withAccounts("who is signed out comes back to what they shared when they have signed in", async ({ house, stranger, admin }) => {
  await admin.page.goto("/people");
  await admin.page.getByRole("button", { name: "Invite someone" }).click();
  const link = await admin.page.getByLabel("Link").inputValue();
  await join((await stranger()).page, link, "bob");
  const bob = await stranger({ javaScriptEnabled: false });
  await bob.page.goto(SHARED);
  await expect(bob.page).toHaveURL(/\/sign-in\?back=/);
  await bob.page.getByRole("link", { name: "日本語" }).click();
  await bob.page.getByRole("link", { name: "English" }).click();
  await signIn(bob.page, "bob", "not the password");
  await expect(bob.page.getByRole("alert")).toBeVisible();
  await bob.page.getByLabel("Password").fill(PASSWORD);
  await bob.page.getByRole("button", { name: "Sign in" }).click();
  await expect(bob.page.getByLabel("Message", { exact: true })).toHaveValue(TEXT);
  await bob.page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(bob.page).toHaveURL(`${house.url}/rooms/general`);
  await expect(bob.messages.locator(".message__text")).toHaveText(TEXT);
});
withAccounts.use({ expectedFaults: async ({}, use) => use([/^401|status of 401/]) });
