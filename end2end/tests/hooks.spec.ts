// Webhooks of a room: its owner makes one on a page, a program posts with it, and the people in the room see that it is one.
import { expect, test } from "../support/test.ts";

test("alice makes a webhook, a program posts with it, and bob sees what it says", async ({ alice, bob, server }) => {
  const name = `hooks ${crypto.randomUUID().slice(0, 8)}`;
  const room = await alice.makeRoom(name);
  await bob.enterRoom(room);
  await alice.page.goto(`/rooms/${room}/settings`);
  await alice.page.getByRole("link", { name: "Webhooks", exact: true }).click();
  await expect(alice.page.getByText("There are no webhooks yet.")).toBeVisible();
  await alice.page.getByRole("textbox", { name: "Name", exact: true }).fill("CI");
  await alice.page.getByRole("button", { name: "Create the webhook" }).click();
  const address = await alice.page.getByLabel("Address").inputValue();
  expect(address).toContain(`${server.url}/hooks/idh_`);
  const text = "*Deploy* of <https://ci.example/7|build 7> is done";
  const sent = await bob.context.request.post(address, { data: { text } });
  expect([sent.status(), await sent.text()]).toEqual([200, "ok"]);
  const message = bob.messages.first();
  await expect(message.locator(".message__text")).toHaveText("Deploy of build 7 is done");
  await expect(message.locator(".message__text strong")).toHaveText("Deploy");
  await expect(message.getByRole("link", { name: "build 7", exact: true })).toHaveAttribute("href", "https://ci.example/7");
  await expect(message.locator(".message__head")).toContainText(/CI\s*bot/);
  await expect(message.locator(".message__user")).not.toHaveAttribute("href");
  await bob.page.reload();
  await expect(message.locator(".message__head")).toContainText(/CI\s*bot/);

  await alice.page.getByRole("link", { name: "Back to the webhooks" }).click();
  await expect(alice.page.getByRole("main").getByRole("listitem").filter({ hasText: "CI" })).toContainText("alice");
  await alice.page.getByRole("button", { name: /^Remove: / }).click();
  await expect(alice.page.getByText("There are no webhooks yet.")).toBeVisible();
  expect((await bob.context.request.post(address, { data: { text } })).status()).toBe(404);
});

test("the page of webhooks is in Japanese and works without a script, and keeps what was typed", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/^400|status of 400/);
  const hanako = await somebody({ locale: "ja-JP", javaScriptEnabled: false });
  const { page } = hanako;
  await page.goto("/");
  await page.getByText("新しいルーム").click();
  await page.getByLabel("新しいルームの名前").fill(`井戸 ${crypto.randomUUID().slice(0, 8)}`);
  await page.getByRole("button", { name: "作成" }).click();
  await page.goto(`${new URL(page.url()).pathname}/hooks`);
  await page.getByLabel("名前").last().fill("x".repeat(300));
  await page.getByRole("button", { name: "Webhookを作成" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("名前").last()).toHaveValue("x".repeat(300));
  await page.getByLabel("名前").last().fill("ビルド");
  await page.getByRole("button", { name: "Webhookを作成" }).click();
  await expect(page.getByLabel("アドレス")).toHaveValue(/\/hooks\/idh_/);
});
