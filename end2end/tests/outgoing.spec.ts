// Outgoing webhooks on their pages: what comes reaches a receiver, signed, and the pages say how far it has come.
import { Receiver } from "../support/receiver.ts";
import { Server } from "../support/server.ts";
import { expect, named, test as base } from "../support/test.ts";

const test = base.extend<{ receiver: Receiver; house: Server }>({
  receiver: async ({}, use) => {
    const receiver = await Receiver.start();
    await use(receiver);
    receiver.stop();
  },
  house: async ({}, use) => {
    const house = await Server.start({ env: { IDOBATA_WEBHOOK_NETWORKS: "127.0.0.0/8" } });
    await use(house);
    await house.stop();
  },
});

test("what bob writes in alice's room reaches her receiver, signed, also after it was away", async ({ house, receiver, somebody }) => {
  const alice = await named(await somebody({ baseURL: house.url }), "alice");
  const bob = await named(await somebody({ baseURL: house.url }), "bob");
  const room = await alice.makeRoom("deploys");
  await bob.enterRoom(room);
  const { page } = alice;
  await page.goto(`/rooms/${room}/settings`);
  await page.getByRole("link", { name: "Outgoing webhooks" }).click();
  await expect(page.getByText("There are no outgoing webhooks yet.")).toBeVisible();
  await page.getByLabel("Address").fill(receiver.url);
  await page.getByRole("button", { name: "Create the webhook" }).click();
  const secret = await page.getByLabel("Secret of the signatures").inputValue();
  expect(secret).toMatch(/^whsec_/);
  await page.getByRole("link", { name: "Back to the webhooks" }).click();
  const row = page.getByRole("main").getByRole("listitem").filter({ hasText: receiver.url });
  await expect(row).toContainText("alice");

  await bob.post("build 7 is done");
  await expect.poll(() => receiver.texts(secret)).toEqual(["build 7 is done"]);
  receiver.status = 503;
  await bob.post("build 8 is done");
  await expect.poll(() => receiver.requests.length).toBeGreaterThan(1);
  await expect(async () => {
    await page.reload();
    await expect(row.locator(".badge")).toHaveText("failing", { timeout: 100 });
    await expect(row).toContainText("503", { timeout: 100 });
    await expect(row).toContainText("offset 1 of 2: 1 to go", { timeout: 100 });
  }).toPass();
  receiver.status = 204;
  await row.getByText("Deliver again").first().click();
  await row.getByRole("button", { name: /^Deliver again/ }).click();
  await expect(async () => {
    await page.reload();
    await expect(row.locator(".badge")).toHaveText("delivered", { timeout: 100 });
  }).toPass();
  await expect(row).toContainText("all up to offset 2");

  receiver.requests.length = 0;
  await row.getByText("Deliver again").first().click();
  await row.getByLabel("After offset").fill("0");
  await row.getByRole("button", { name: /^Deliver again/ }).click();
  await expect.poll(() => receiver.texts(secret)).toEqual(["build 7 is done", "build 8 is done"]);
  await row.getByRole("button", { name: /^Remove: / }).click();
  await expect(page.getByText("There are no outgoing webhooks yet.")).toBeVisible();
});

test("the page of the channels' webhooks is in Japanese, works without a script and keeps what was typed", async ({ house, receiver, somebody, expectedFaults }) => {
  expectedFaults.push(/^400|status of 400/);
  const { page } = await somebody({ baseURL: house.url, locale: "ja-JP", javaScriptEnabled: false });
  await page.goto("/publishers");
  await page.getByRole("link", { name: "送信Webhook" }).click();
  await page.getByLabel("アドレス").fill("http://192.168.7.7/in");
  await page.getByLabel("チャンネル").fill("ops, db-*");
  await page.getByLabel("測定値も送る").check();
  await page.getByRole("button", { name: "Webhookを作成" }).click();
  await expect(page.getByRole("alert")).toContainText("--webhook-networks");
  await expect(page.getByLabel("アドレス")).toHaveValue("http://192.168.7.7/in");
  await expect(page.getByLabel("チャンネル")).toHaveValue("ops, db-*");
  await expect(page.getByLabel("測定値も送る")).toBeChecked();
  await page.getByLabel("アドレス").fill(receiver.url);
  await page.getByLabel("チャンネル").fill("ops ops");
  await page.getByRole("button", { name: "Webhookを作成" }).click();
  await expect(page.getByRole("alert")).toContainText("チャンネル名");
  await page.getByLabel("チャンネル").fill("ops, db-*");
  await page.getByRole("button", { name: "Webhookを作成" }).click();
  const secret = await page.getByLabel("署名のシークレット").inputValue();
  for (const [channel, text] of [["ops", "deploy"], ["web", "not for it"], ["db-1", "backup"]]) {
    expect((await page.request.post(`/api/events/${channel}`, { data: { text } })).status()).toBe(201);
  }
  await expect.poll(() => receiver.texts(secret)).toEqual(["deploy", "backup"]);
  await page.getByRole("link", { name: "Webhookの一覧へ戻る" }).click();
  await expect(page.getByRole("main").getByRole("listitem").filter({ hasText: receiver.url })).toContainText("ops, db-*");
  // More than there is cannot be delivered again.
  await page.getByText("再送").first().click();
  await page.getByLabel("オフセットより後").fill("9000");
  await page.getByRole("button", { name: /^再送/ }).click();
  await expect(page.getByRole("alert")).toContainText("最新のもの以下");
});
