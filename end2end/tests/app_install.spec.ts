// The app as browsers see it before it is installed: its manifest, its icons, and where there is none.
import type { Page } from "@playwright/test";
import { test } from "../support/app.ts";
import { Server } from "../support/server.ts";
import { expect } from "../support/test.ts";

/** The manifest as Chromium has read it, and what it holds against it. */
async function manifestOf(page: Page) {
  const session = await page.context().newCDPSession(page);
  const { url, errors, data, manifest } = (await session.send("Page.getAppManifest")) as any;
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  // Chromium installs nothing in windows that leave no traces, as those of stories are.
  const left = installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito");
  return { url, errors, manifest, members: JSON.parse(data || "null"), faults: left };
}

for (const [locale, description, shortcut] of [
  ["en-GB", "A live feed, and rooms to talk about it", "Write a message"],
  ["ja-JP", "ライブフィードと、それについて話せるチャットルーム", "メッセージを書く"],
] as const) {
  test(`Chromium finds nothing wrong with the app (${locale})`, async ({ withApp, server }) => {
    const alice = await withApp("alice", { locale });
    await alice.enterRoom("general");
    const { url, errors, members, faults } = await manifestOf(alice.page);
    expect(url).toBe(`${server.url}/manifest.webmanifest?lang=${locale.slice(0, 2)}`);
    expect(errors).toEqual([]);
    expect(faults).toEqual([]);
    expect(members).toMatchObject({ id: "/", scope: "/", display: "standalone", description, lang: locale.slice(0, 2) });
    expect(members.shortcuts[1]).toMatchObject({ name: shortcut, url: "/share" });
    expect(members.share_target).toEqual({ action: "/share", method: "GET", enctype: "application/x-www-form-urlencoded", params: { title: "title", text: "text", url: "url" } });
    expect(members.icons.map(({ purpose }: { purpose: string }) => purpose)).toEqual(["any", "any", "maskable", "monochrome"]);
    const icons = ["/icons/apple-touch-180.png", "/icons/badge-96.png", ...members.icons.map(({ src }: { src: string }) => src)];
    for (const path of icons) {
      const width = await alice.page.evaluate(async (path) => {
        const image = new Image();
        image.src = path;
        await image.decode();
        return [image.naturalWidth, image.naturalHeight];
      }, path);
      const expected = Number(/(\d+)\.png$/.exec(path)![1]);
      expect(width, path).toEqual([expected, expected]);
    }
    for (const path of [members.start_url, ...members.shortcuts.map(({ url }: { url: string }) => url)]) {
      expect((await alice.page.goto(path))!.status(), path).toBe(200);
    }
  });
}

test("the window of the app has the colours of the page, in each theme", async ({ withApp }) => {
  const alice = await withApp("alice");
  const colours = () =>
    alice.page.evaluate(() => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })!;
      const bytes = (colour: string) => ((canvas.fillStyle = colour), canvas.fillRect(0, 0, 1, 1), [...canvas.getImageData(0, 0, 1, 1).data].join());
      const metas = [...document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")];
      const meta = metas.find(({ media }) => !media || matchMedia(media).matches)!;
      return [bytes(meta.content), bytes(getComputedStyle(document.body).backgroundColor)];
    });
  for (const theme of ["auto", "light", "dark"]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await alice.page.emulateMedia({ colorScheme });
      for (const path of ["/rooms/general", "/share"]) {
        await alice.page.goto(`/theme/${theme}?back=${path}`);
        const [window, page] = await colours();
        expect(window, `${theme} on a ${colorScheme} device, ${path}`).toBe(page);
      }
    }
  }
});

test("the app is installed under the public address alone", async ({ somebody }) => {
  const server = await Server.start({ env: { IDOBATA_PUBLIC_URL: "http://chat.localhost:4321" } });
  try {
    const alice = await somebody({ baseURL: server.url, serviceWorkers: "allow" });
    await alice.enterRoom("general");
    const { url, members } = await manifestOf(alice.page);
    expect([url, members]).toEqual(["", null]);
    await alice.page.waitForFunction(() => new Promise((resolve) => requestIdleCallback(resolve)));
    expect(await alice.page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
  } finally {
    await server.stop();
  }
});

test("the app's files say how long they may be kept, and what the worker may ask for", async ({ server }) => {
  for (const [path, type, kept, policy] of [
    ["/manifest.webmanifest", "application/manifest+json", "public, max-age=3600", "default-src 'none'; frame-ancestors 'none'"],
    ["/service-worker.js", "text/javascript; charset=utf-8", "no-cache", "default-src 'none'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'"],
    ["/icons/app-192.png", "image/png", "public, max-age=86400", "default-src 'none'; frame-ancestors 'none'"],
  ] as const) {
    const { status, headers } = await fetch(server.url + path);
    const [found, cookie] = [["content-type", "cache-control", "content-security-policy"].map((name) => headers.get(name)), headers.get("set-cookie")];
    expect([status, ...found, cookie]).toEqual([200, type, kept, policy, null]);
  }
});
