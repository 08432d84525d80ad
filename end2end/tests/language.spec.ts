// Japanese and English.
import type { WebSocketRoute } from "@playwright/test";
import { expect, test } from "../support/test.ts";

test("the browser's language is the page's, and the switch stays", async ({ somebody }) => {
  const hanako = await somebody({ locale: "ja-JP" });
  await hanako.open("/rooms/general");
  await expect(hanako.page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(hanako.page.locator(".conversation [data-connection=open]")).toHaveText("接続中");
  await expect(hanako.composer).toHaveAttribute("placeholder", "メッセージを入力...");
  await expect(hanako.page.getByRole("button", { name: "送信", exact: true })).toBeVisible();
  await hanako.openMenu();
  await hanako.page.getByRole("link", { name: "English" }).click();
  await expect(hanako.page.locator("html")).toHaveAttribute("lang", "en");
  expect(new URL(hanako.page.url()).pathname).toBe("/rooms/general");
  await hanako.open("/");
  await expect(hanako.page.getByRole("heading", { level: 1 })).toHaveText("Feed");
  await hanako.openMenu();
  await hanako.page.getByRole("link", { name: "日本語" }).click();
  await expect(hanako.page.getByRole("heading", { level: 1 })).toHaveText("フィード");
});

test("a room may be named in Japanese", async ({ somebody }) => {
  const hanako = await somebody({ locale: "ja-JP" });
  const name = `井戸端 ${crypto.randomUUID().slice(0, 8)}`;
  await hanako.open("/");
  await hanako.page.getByText("新しいルーム").click();
  await hanako.page.getByLabel("新しいルームの名前").fill(name);
  await hanako.page.getByRole("button", { name: "作成" }).click();
  await hanako.expectConnected();
  const link = hanako.page.getByRole("link", { name });
  await expect(link).toHaveAttribute("aria-current", "page");
  await hanako.post("最初のひとこと");
  await hanako.expectMessages("最初のひとこと");
  await hanako.page.getByRole("link", { name: "tech" }).click();
  await expect(hanako.page.getByRole("heading", { level: 1 })).toHaveText("tech");
  await link.click();
  await hanako.expectMessages("最初のひとこと");
  await hanako.openMenu();
  await hanako.page.getByRole("link", { name: "English" }).click();
  await expect(hanako.page.locator("html")).toHaveAttribute("lang", "en");
  await expect(hanako.page.getByRole("heading", { level: 1 })).toHaveText(name);
});

test("a lost connection is told in the seed's words", async ({ somebody }) => {
  const hanako = await somebody({ locale: "ja-JP" });
  // The first connection is closed once it is open; the later ones never open, and the state stays.
  let first: WebSocketRoute | undefined;
  await hanako.page.routeWebSocket("/ws", async (socket) => {
    if (first) return new Promise(() => {});
    first = socket;
    socket.connectToServer();
  });
  await hanako.enterRoom("general");
  await first!.close({ code: 1001 });
  await expect(hanako.page.locator(".conversation .connection-badge")).toHaveText("切断");
});

test("a page that is not there says so in both languages", async ({ alice, somebody, expectedFaults }) => {
  expectedFaults.push(/404/);
  const hanako = await somebody({ locale: "ja-JP" });
  for (const path of ["/no-such-page", "/rooms/no-such-room"]) {
    expect((await alice.page.goto(path))!.status()).toBe(404);
    await expect(alice.page.getByRole("heading", { level: 1 })).toHaveText("Nothing here");
    await hanako.page.goto(path);
    await expect(hanako.page.getByRole("heading", { level: 1 })).toHaveText("見つかりません");
  }
});
