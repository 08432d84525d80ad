// Draws the PNG files of the installed app from the SVG files in public/icons, by the browser of the stories. Called by
// `make icons`; they are committed, because few people who build have a browser.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FOLDER = join(import.meta.dirname, "../public/icons");
/** The drawing, the file and its width in pixels. An iPhone rounds its icon itself, and makes what is transparent black. */
const ICONS = [
  ["app", "app-192.png", 192],
  ["app", "app-512.png", 512],
  ["maskable", "maskable-512.png", 512],
  ["monochrome", "monochrome-512.png", 512],
  ["monochrome", "badge-96.png", 96],
  ["maskable", "apple-touch-180.png", 180],
];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell", args: ["--no-sandbox"] });
for (const [drawing, file, width] of ICONS) {
  const page = await browser.newPage({ viewport: { width, height: width } });
  const svg = await readFile(join(FOLDER, `${drawing}.svg`), "utf8");
  await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw;height:100vh}</style>${svg}`);
  const png = await page.screenshot({ omitBackground: true });
  await writeFile(join(FOLDER, file), png);
  console.log(`${file} ${png.length}`);
  await page.close();
}
await browser.close();
