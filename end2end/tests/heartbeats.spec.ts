// Heartbeats: alice expects a job, and bob sees in the feed that it fails and that it is well again.
import { expect, test } from "../support/test.ts";

test("alice expects a job to ping, it fails and comes again, and bob sees both in its channel", async ({ alice, bob, server }) => {
  const mark = crypto.randomUUID().slice(0, 8);
  const [name, channel] = [`backup-${mark}`, `jobs-${mark}`];
  const { token } = await (await alice.context.request.post("/api/publishers", { data: { name, channels: [channel] } })).json();
  const { page } = alice;
  await page.goto("/heartbeats");
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await page.getByLabel("Channel").fill(channel);
  await page.getByLabel("Expected").fill("0 3 * * *");
  await page.getByLabel("Time zone").fill("Asia/Tokyo");
  await page.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("main").getByRole("listitem").filter({ hasText: name });
  await expect(row).toContainText("no ping yet");
  await expect(row).toContainText("0 3 * * * Asia/Tokyo + 5m");

  await bob.open(`/feed/${channel}`);
  const ping = async (ending: string, data = "") => {
    const answer = await bob.context.request.post(`${server.url}/ping/${token}/${name}${ending}`, { data });
    expect([answer.status(), await answer.text()]).toEqual([200, "OK"]);
  };
  await ping("/fail", "no space left on device");
  const told = bob.page.locator(".notifications .notification");
  await expect(told).toHaveCount(1);
  await expect(told).toContainText(`${name} is down`);
  await expect(told).toContainText("no space left on device");
  await page.reload();
  await expect(row.locator(".badge")).toHaveText("down");
  await ping("");
  await expect(told).toContainText(`${name} is up again`);
  await expect(told, "the newest takes its place").toHaveCount(1);
  await page.reload();
  await expect(row.locator(".badge")).toHaveText("up");

  await row.getByRole("link", { name: /^Change: / }).click();
  await expect(page.getByLabel("Expected")).toHaveValue("0 3 * * *");
  await page.getByLabel("Expected").fill("1h");
  await page.getByLabel("Pause until the next ping").check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(row.locator(".badge")).toHaveText("paused");
  await expect(row).toContainText("1h + 5m");
  await row.getByRole("button", { name: /^Remove: / }).click();
  await expect(row).toHaveCount(0);
});

test("the page of heartbeats is in Japanese and works without a script, and keeps what was typed", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/^400|status of 400/);
  const { page } = await somebody({ locale: "ja-JP", javaScriptEnabled: false });
  const name = `backup-${crypto.randomUUID().slice(0, 8)}`;
  await page.goto("/heartbeats");
  await page.getByLabel("名前").last().fill(name);
  await page.getByLabel("間隔").fill("ときどき");
  await page.getByRole("button", { name: "保存" }).click();
  await expect(page.getByRole("alert")).toContainText("長さまたはcron式");
  await expect(page.getByLabel("間隔")).toHaveValue("ときどき");
  await page.getByLabel("間隔").fill("10m");
  await page.getByRole("button", { name: "保存" }).click();
  const row = page.getByRole("main").getByRole("listitem").filter({ hasText: name });
  await expect(row).toContainText("pingなし");
  await row.getByRole("button", { name: /^削除/ }).click();
  await expect(row).toHaveCount(0);
});
