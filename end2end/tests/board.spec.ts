// The board: what fires, runs and is late, live and without a script.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "../support/test.ts";
import { Server } from "../support/server.ts";

const part = (page: Page, name: string) => page.locator(`[data-part=${name}] .board__title`);

test("an alert comes to the board, goes when it is over, and the board says when it is not connected", async ({ somebody, expectedFaults }) => {
  expectedFaults.push(/ERR_|Failed to load|EventSource/);
  const server = await Server.start({ env: { IDOBATA_NO_MEASURE: "true" } });
  try {
    const { page } = await somebody({ baseURL: server.url });
    await page.goto("/");
    await page.getByRole("link", { name: "Status" }).click();
    await expect(page.locator("#board code")).toContainText(`${server.url}/api/events/ops`);
    await server.publish("ops", { key: "disk", title: "Disk full", text: "92 %", level: "error" });
    await expect(part(page, "firing")).toHaveText(["Disk full"]);
    await expect(page).toHaveTitle(/^\(1\) Status/);
    await server.publish("jobs", { type: "progress", key: "import", done: 3, total: 7, text: "users" });
    await expect(part(page, "running")).toHaveText(["import"]);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await server.publish("ops", { key: "disk", title: "Disk fine", text: "41 %", level: "success" });
    await expect(page.locator(".board__calm")).toBeVisible();
    await page.getByText("Quiet").click();
    await expect(part(page, "quiet")).toHaveText(["Disk fine"]);
    await expect(part(page, "quiet").first()).toBeVisible();
    // What is unfolded stays so when something comes.
    await server.publish("jobs", { type: "progress", key: "import", done: 4, total: 7 });
    await expect(page.locator("[data-part=running]")).toContainText("4 / 7");
    await expect(part(page, "quiet").first()).toBeVisible();
    await expect(page.locator("#not-live")).toBeHidden();
    await server.crash();
    await server.publish("ops", { key: "disk", title: "Disk full again", text: "", level: "error" });
    await expect(part(page, "firing")).toHaveText(["Disk full again"], { timeout: 30_000 });
    await server.kill();
    await expect(page.locator("#not-live")).toBeVisible({ timeout: 30_000 });
  } finally {
    await server.stop();
  }
});

test("the board is read without a script, on a phone and in Japanese", async ({ somebody, server }) => {
  const key = `k-${crypto.randomUUID().slice(0, 8)}`;
  await server.publish("board", { key, title: `停止 ${key}`, text: "応答がありません".repeat(20), level: "error" });
  const { page } = await somebody({ javaScriptEnabled: false, viewport: { width: 390, height: 844 }, locale: "ja" });
  await page.goto("/language/ja");
  await page.goto("/status");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("ステータス");
  await expect(part(page, "firing").filter({ hasText: key })).toBeVisible();
  await expect(page.locator("meta[http-equiv=refresh]")).toHaveCount(1);
  await part(page, "firing").filter({ hasText: key }).getByRole("link").click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(key);
});
