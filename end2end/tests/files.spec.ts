// Files: attached to a message, shown to everybody in the room.
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { UploadCutter } from "../support/cutter.ts";
import type { Person } from "../support/people.ts";
import { expect, named, test } from "../support/test.ts";

const PNG = readFileSync(new URL("../../public/icons/app-192.png", import.meta.url));
const PICTURE = { name: "photo.png", mimeType: "image/png", buffer: PNG };
const NOTES = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("first line\nsecond line\n") };

const unique = () => `files ${crypto.randomUUID().slice(0, 8)}`;
const uploads = (page: Page) => page.locator(".uploads li");
const axe = async (page: Page) => expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

/** Chooses files by the button of the composer. */
async function choose({ page }: Person, ...files: { name: string; mimeType: string; buffer: Buffer }[] | string[]) {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: /^(Attach files|ファイルを添付)$/ }).click();
  await (await chooser).setFiles(files);
}

/** A `DataTransfer` with the picture, as a drop and a paste bring it. */
const transfer = (page: Page, name: string) =>
  page.evaluateHandle(
    ([bytes, name]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes as number[])], name as string, { type: "image/png" }));
      return data;
    },
    [[...PNG], name],
  );

test("a picture with a description and a text file are sent with a text and seen by the others", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique());
  await bob.enterRoom(room);
  let load = () => {};
  const loading = new Promise<void>((resolve) => (load = resolve));
  await bob.page.route("**/files/*/photo.png*", async (route) => (await loading, route.continue()));
  await choose(alice, PICTURE, NOTES);
  await expect(uploads(alice.page)).toHaveText([/Uploaded/, /Uploaded/]);
  await axe(alice.page);
  await alice.page.getByLabel("Description for those who cannot see it: photo.png").fill("A lantern");
  await alice.composer.fill("Look at this");
  await alice.composer.press("Enter");
  const picture = bob.page.getByRole("img", { name: "A lantern" });
  await expect(picture).toHaveAttribute("width", "192");
  const box = await picture.boundingBox();
  expect(box, "there is room for it before it has come").toMatchObject({ width: 192, height: 192 });
  load();
  expect(await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBe(192);
  expect(await picture.boundingBox(), "nothing moved").toEqual(box);
  const text = bob.page.getByText("Look at this");
  await expect(text).toBeVisible();
  expect(box!.x, "it begins where the text begins").toBe((await text.boundingBox())!.x);
  await bob.page.getByRole("button", { name: "Show the first lines: notes.txt" }).click();
  await expect(bob.page.getByRole("region", { name: "notes.txt" })).toHaveText("first line\nsecond line\n");
  await axe(bob.page);
  await expect(uploads(alice.page)).toHaveCount(0);
  await expect(alice.composer).toHaveValue("");
  await expect(alice.composer).toBeFocused();
  await alice.post("and without");
  await expect(bob.page.getByText("and without")).toBeVisible();
});

test("a file is removed before it is sent, and a message goes without it", async ({ alice }) => {
  await alice.makeRoom(unique());
  await choose(alice, NOTES, PICTURE);
  await alice.page.getByRole("button", { name: "Remove: notes.txt" }).press("Enter");
  await expect(alice.page.getByRole("button", { name: "Remove: photo.png" })).toBeFocused();
  await alice.page.keyboard.press("Enter");
  await expect(uploads(alice.page)).toHaveCount(0);
  await expect(alice.composer).toBeFocused();
  await alice.post("Without it");
  await alice.expectMessages("Without it");
});

test("pictures that are dropped and pasted are sent without a text, and open by the keyboard", async ({ alice, bob }) => {
  const room = await alice.makeRoom(unique());
  await expect(alice.page.getByRole("button", { name: "Attach files" })).toBeVisible();
  await alice.page.dispatchEvent("#app", "drop", { dataTransfer: await transfer(alice.page, "dropped.png") });
  const clipboard = await transfer(alice.page, "pasted.png");
  await alice.composer.evaluate((field, data) => {
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data as DataTransfer, bubbles: true, cancelable: true }));
  }, clipboard);
  await expect(uploads(alice.page)).toHaveCount(2);
  await alice.composer.press("Enter");

  await bob.enterRoom(room);
  const dropped = bob.page.getByRole("link", { name: "dropped.png", exact: true });
  await expect(dropped).toBeVisible();
  await dropped.focus();
  const dialog = bob.page.getByRole("dialog", { name: "Picture" });
  await expect(async () => {
    await bob.page.keyboard.press("Enter");
    await expect(dialog).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await expect(dialog.getByRole("img", { name: "dropped.png" })).toBeVisible();
  await axe(bob.page);
  await bob.page.keyboard.press("ArrowRight");
  await expect(dialog.getByRole("img", { name: "pasted.png" })).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Next picture" })).toBeHidden();
  await bob.page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(bob.page.getByRole("link", { name: "pasted.png", exact: true })).toBeFocused();
});

test("an upload that is cut is tried again, and the message waits for it", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/api\/files/, /ERR_CONNECTION_RESET/);
  const room = await alice.makeRoom(unique());
  await bob.enterRoom(room);
  await alice.page.route("**/api/files?*", (route) => route.abort("connectionreset"), { times: 1 });
  await choose(alice, NOTES);
  await expect(uploads(alice.page)).toContainText("The upload failed.");
  await alice.composer.fill("with notes");
  await alice.composer.press("Enter");
  await expect(alice.page.getByText("A file was not uploaded. Try again or remove it.")).toBeVisible();
  await expect(alice.composer).toHaveValue("with notes");
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await alice.page.route("**/api/files?*", async (route) => (await held, route.continue()));
  await alice.page.getByRole("button", { name: "Try again: notes.txt" }).click();
  await expect(alice.page.getByRole("progressbar", { name: "notes.txt" })).toBeVisible();
  await alice.composer.press("Enter");
  await expect(alice.page.getByText("It will be sent when the uploads are done.")).toBeVisible();
  go();
  await expect(bob.page.getByText("with notes")).toBeVisible();
  await expect(bob.page.getByRole("link", { name: "notes.txt" })).toBeVisible();
});

test("a file that is chosen without a network is sent when that is back", async ({ alice, bob, expectedFaults }) => {
  expectedFaults.push(/ERR_INTERNET_DISCONNECTED|Failed to fetch|WebSocket/);
  const room = await alice.makeRoom(unique());
  await bob.enterRoom(room);
  await alice.context.setOffline(true);
  await choose(alice, PICTURE);
  await expect(uploads(alice.page)).toContainText("Waits for the network");
  await alice.composer.fill("from the train");
  await alice.composer.press("Enter");
  await expect(alice.page.getByText("It will be sent when the network is back.")).toBeVisible();
  await alice.context.setOffline(false);
  await expect(bob.page.getByText("from the train")).toHaveCount(1);
  await expect(bob.page.getByRole("img", { name: "photo.png" })).toBeVisible();
  await expect(alice.composer).toHaveValue("");
});

test("after a reload what is uploaded is still there, and what is not is named", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/ERR_INTERNET_DISCONNECTED|Failed to fetch|WebSocket|api\/files/);
  await alice.makeRoom(unique());
  await choose(alice, PICTURE);
  await expect(uploads(alice.page)).toContainText("Uploaded");
  await alice.page.getByLabel(/^Description/).fill("A lantern");
  await alice.composer.fill("typed");
  await alice.page.route("**/api/files?*", () => {}); // never answered
  await choose(alice, NOTES);
  await expect(alice.page.getByRole("progressbar", { name: "notes.txt" })).toBeVisible();
  const asked = alice.page.waitForEvent("dialog");
  const reloaded = alice.page.reload();
  const dialog = await asked;
  expect(dialog.type(), "the browser asks before it").toBe("beforeunload");
  await dialog.accept();
  await reloaded;
  await expect(uploads(alice.page)).toHaveText([/photo\.png.*Uploaded/, /notes\.txt.*Choose it again/]);
  await expect(alice.composer).toHaveValue("typed");
  await alice.page.getByRole("button", { name: "Remove: notes.txt" }).click();
  await alice.page.getByRole("button", { name: "Send" }).click();
  await expect(alice.page.getByRole("img", { name: "A lantern" })).toBeVisible();
  await expect(uploads(alice.page)).toHaveCount(0);
});

const MB = 1024 * 1024;

/** A file on the disk that is sent in three pieces: it is the same when it is chosen again. */
const withLargeFile = async (use: (path: string, bytes: Buffer) => Promise<void>) => {
  const folder = await mkdtemp(join(tmpdir(), "idobata-large-"));
  const bytes = Buffer.alloc(20 * MB, "0123456789abcdef\n");
  await writeFile(join(folder, "large.log"), bytes);
  await use(join(folder, "large.log"), bytes);
  await rm(folder, { recursive: true });
};

const downloaded = async ({ page, context }: Person) => {
  const link = page.getByRole("link", { name: "large.log", exact: true });
  return (await context.request.get((await link.getAttribute("href"))!)).body();
};

test("a large file goes on where each cut stopped it", async ({ somebody, bob, server, expectedFaults }) => {
  // A browser sends again by itself what was cut on an old connection, before or after the server knows of the cut: 423 or 409.
  expectedFaults.push(/api\/uploads|ERR_EMPTY_RESPONSE|ERR_CONNECTION|status of 4(09|23)/);
  const cutter = await UploadCutter.start(server.url, 3 * MB, 9 * MB);
  const carol = await named(await somebody({ baseURL: cutter.url }), "carol");
  const room = await carol.makeRoom(unique());
  await bob.enterRoom(room);
  await withLargeFile(async (path, bytes) => {
    await choose(carol, path);
    await expect(carol.page.getByRole("progressbar", { name: "large.log" })).toBeVisible();
    await carol.composer.fill("the log");
    await carol.composer.press("Enter");
    await expect(bob.page.getByText("the log")).toBeVisible({ timeout: 30_000 });
    expect(cutter.isThrough, "both cuts came").toBe(true);
    expect(cutter.received).toBeLessThan(1.6 * bytes.length);
    expect((await downloaded(bob)).equals(bytes)).toBe(true);
  });
  await cutter.stop();
});

test("after a reload a large file that is chosen again goes on where it stopped", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/api\/uploads/);
  await alice.makeRoom(unique());
  let isHeld = true;
  const offsets: string[] = [];
  await alice.page.route("**/api/uploads/*", (route) => {
    const offset = route.request().headers()["upload-offset"];
    if (offset && offset !== "0" && isHeld) return; // never answered
    if (offset) offsets.push(offset);
    return route.continue();
  });
  await withLargeFile(async (path, bytes) => {
    const second = alice.page.waitForRequest((request) => request.headers()["upload-offset"] === String(8 * MB));
    await choose(alice, path);
    await second;
    alice.page.on("dialog", (dialog) => dialog.accept());
    await alice.page.reload();
    await expect(uploads(alice.page)).toHaveText(/large\.log.*Choose it again/);
    isHeld = false;
    await choose(alice, path);
    await expect(uploads(alice.page)).toHaveText([/large\.log.*Uploaded/]);
    expect(offsets).toEqual(["0", String(8 * MB), String(16 * MB)]);
    await alice.page.getByRole("button", { name: "Send" }).click();
    await expect(alice.page.getByRole("link", { name: "large.log", exact: true })).toBeVisible();
    expect((await downloaded(alice)).equals(bytes)).toBe(true);
  });
});

test("a large file whose pieces come to nodes that do not know it is sent in one", async ({ alice, expectedFaults }) => {
  expectedFaults.push(/api\/uploads|status of 404/);
  await withLargeFile(async (path, bytes) => {
    await alice.makeRoom(unique());
    let pieces = 0;
    await alice.page.route("**/api/uploads/*", async (route) => {
      if (route.request().method() !== "PATCH") return route.continue();
      pieces++;
      await route.fulfill({ status: 404, json: {} });
    });
    await choose(alice, path);
    await expect(uploads(alice.page)).toHaveText([/large\.log.*Uploaded/]);
    expect(pieces).toBe(1);
    await alice.page.getByRole("button", { name: "Send" }).click();
    await expect(alice.page.getByRole("link", { name: "large.log", exact: true })).toBeVisible();
    expect((await downloaded(alice)).equals(bytes)).toBe(true);
  });
});

test("on a phone in Japanese the files fit beside the composer and below the message", async ({ alice, somebody }) => {
  const carol = await somebody({ locale: "ja-JP", viewport: { width: 320, height: 568 }, hasTouch: true, colorScheme: "dark" });
  await carol.enterRoom(await alice.makeRoom(unique()));
  await choose(carol, PICTURE, { ...NOTES, name: `${"とても長い名前".repeat(10)}.txt` });
  await expect(uploads(carol.page)).toHaveText([/アップロードしました/, /アップロードしました/]);
  const isWide = () => carol.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  expect(await isWide()).toBe(false);
  await axe(carol.page);
  await carol.page.getByRole("button", { name: "送信" }).tap();
  const picture = carol.page.getByRole("link", { name: "photo.png", exact: true });
  await expect(picture).toBeVisible();
  expect(await isWide()).toBe(false);
  const dialog = carol.page.getByRole("dialog", { name: "画像" });
  await expect(async () => {
    await picture.tap();
    await expect(dialog).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await axe(carol.page);
  await dialog.getByRole("button", { name: "閉じる" }).tap();
  await expect(dialog).toBeHidden();
});

test("without JavaScript files are sent by a form", async ({ alice, somebody }) => {
  const room = await alice.makeRoom(unique());
  const plain = await somebody({ javaScriptEnabled: false });
  await plain.page.goto(`/rooms/${room}`);
  await plain.page.getByRole("link", { name: "Attach files" }).click();
  await expect(plain.page.getByRole("heading", { level: 1, name: "Send files" })).toBeVisible();
  await plain.page.getByLabel("Message").fill("by a form");
  await plain.page.getByLabel("Description").fill("A lantern");
  await plain.page.getByLabel("Files, up to ten").setInputFiles([PICTURE]);
  await plain.page.getByRole("button", { name: "Send" }).click();
  await expect(plain.page.getByRole("img", { name: "A lantern" })).toBeVisible();
  await expect(alice.page.getByText("by a form")).toBeVisible();
  await expect(alice.page.getByRole("img", { name: "A lantern" })).toBeVisible();
});
