// Stories in a real browser. Each worker has a server of its own on a free port, see support/server.ts.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "./tests",
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 240_000, // for what hangs: a slow machine is no fault
  expect: { timeout: 20_000 },
  reporter: [["list"], ["./support/summary.ts"]],
  forbidOnly: true,
  use: {
    browserName: "chromium",
    locale: "en-GB",
    timezoneId: "Asia/Tokyo", // not the server's: a time drawn differently on the two sides would show
    // A trace records every step with its pictures, and costs half as much again as the stories do. A story that failed is
    // run again with one: make e2e ARGS='-g "…" --trace on'.
    trace: "off",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell",
      // --no-sandbox: Chromium refuses to run as root with it. The others keep it from calling home.
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
