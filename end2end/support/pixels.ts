// Pictures of parts of a page, compared by what people can see.
import type { Page } from "@playwright/test";

/** Levels of 256 from which a pixel counts as another: the edge of something round is painted with a few more or less each time. */
const SEEN = 24;

/** The number of pixels in which two screenshots differ visibly; all of them if their sizes differ. */
export const differingPixels = (page: Page, one: Buffer, other: Buffer): Promise<number> =>
  page.evaluate(
    async ([addresses, seen]) => {
      const [one, other] = await Promise.all(
        addresses.map(async (bytes) => {
          const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))]));
          const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d")!;
          canvas.drawImage(picture, 0, 0);
          return canvas.getImageData(0, 0, picture.width, picture.height);
        }),
      );
      if (one.width !== other.width || one.height !== other.height) return one.width * one.height;
      const levels = Array.from(one.data, (level, at) => Math.abs(level - other.data[at]) > seen);
      return new Set(levels.flatMap((isSeen, at) => (isSeen ? [at >> 2] : []))).size;
    },
    [[one.toString("base64"), other.toString("base64")], SEEN] as const,
  );
