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

  await plain.page.goto(`/rooms/${room}`);
  await expect(plain.page.locator(".connection-badge").first(), "nothing connects").toBeHidden();
  await expect(plain.page.locator(".message__text")).toHaveText(["can you read this?"]);
  await plain.composer.fill("yes,\nand I can answer");
  await plain.page.getByRole("button", { name: "Send" }).click();
  await expect(plain.page.locator(".message__text").last()).toHaveText("yes,\nand I can answer");
  await alice.expectMessages("can you read this?", "yes,\nand I can answer");
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
