import { describe, expect, it } from "vitest";
import { sizeOf } from "./picture-size";

const data = (type: string, bytes: readonly number[]): string => `data:image/${type};base64,${btoa(String.fromCharCode(...bytes, ...new Array<number>(24).fill(0)))}`;
const ascii = (text: string): number[] => [...text].map((char) => char.charCodeAt(0));

describe("sizeOf", () => {
  it("reads the size of each kind from its first bytes", () => {
    expect(sizeOf(data("png", [0x89, ...ascii("PNG\r\n\x1a\n"), 0, 0, 0, 13, ...ascii("IHDR"), 0, 0, 5, 0, 0, 0, 2, 208]))).toEqual({ width: 1280, height: 720 });
    expect(sizeOf(data("gif", [...ascii("GIF89a"), 64, 1, 200, 0]))).toEqual({ width: 320, height: 200 });
    expect(sizeOf(data("jpeg", [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1, 0xff, 0xc0, 0, 11, 8, 0, 100, 0, 200]))).toEqual({ width: 200, height: 100 });
    expect(sizeOf(data("webp", [...ascii("RIFF"), 0, 0, 0, 0, ...ascii("WEBPVP8X"), 10, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 49, 0, 0]))).toEqual({ width: 100, height: 50 });
  });

  it("knows nothing of addresses and of broken data", () => {
    expect(sizeOf("/api/attachments/abc")).toBeUndefined();
    expect(sizeOf("data:image/png;base64,%%%%")).toBeUndefined();
    expect(sizeOf("data:image/png;base64,AAAA")).toBeUndefined();
  });
});
