// What a browser has once, it does not load again.
import { expect, test } from "../support/test.ts";

test("a second visit loads nothing of the site's files", async ({ alice }) => {
  await alice.enterRoom("general");
  await alice.page.goto("about:blank");
  await alice.enterRoom("general");
  const loaded = await alice.page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
      .filter((entry) => entry.name.includes("/pkg/"))
      .map((entry) => ({ file: entry.name.split("/").at(-1), bytes: entry.transferSize })),
  );
  expect(loaded.map(({ file }) => file).sort()).toEqual(["files.js", "idobata.css", "idobata.js", "idobata.wasm", "live.js"]);
  expect(loaded.map(({ bytes }) => bytes)).toEqual([0, 0, 0, 0, 0]);
});
