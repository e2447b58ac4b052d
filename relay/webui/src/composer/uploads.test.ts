import { describe, expect, it } from "vitest";
import { ApiError } from "../api/rest";
import { draft } from "../state/drafts";
import type { Attachment, OpenSession } from "../state/types";
import { addFiles, uploadProblem, uploading, uploads } from "./uploads";

describe("uploadProblem", () => {
  it("names the limit in the relay's answer", () => {
    expect(uploadProblem(new ApiError(413, "File too large: core.bin exceeds 25000000 bytes"))).toBe("Too large, 25 MB at most");
    expect(uploadProblem(new ApiError(413, "Payload Too Large"))).toBe("Too large");
  });
  it("says in words what else went wrong", () => {
    expect(uploadProblem(new ApiError(0, "x"))).toBe("The connection broke off");
    expect(uploadProblem(new ApiError(404, "Session is not live"))).toBe("This session takes no files now");
    expect(uploadProblem("odd")).toBe("It was not taken");
  });
});

/** A session that only uploads; `settle` ends the upload. */
function uploader(id: string): { session: OpenSession; settle: (result: Attachment | Error) => void; aborted: () => boolean } {
  let settle: (result: Attachment | Error) => void = () => undefined;
  let stop: AbortSignal | undefined;
  const upload: OpenSession["upload"] = (_file, progress, signal) => {
    stop = signal;
    progress?.(0.5);
    return new Promise((resolve, reject) => {
      settle = (result) => (result instanceof Error ? reject(result) : resolve(result));
    });
  };
  return { session: { id, upload } as OpenSession, settle: (result) => settle(result), aborted: () => stop?.aborted === true };
}

const file = new File(["abc"], "a.txt", { type: "text/plain" });
const attachment: Attachment = { attachmentId: "1", filename: "a.txt", mediaType: "text/plain", size: 3 };

describe("addFiles", () => {
  it("shows the file on its way and puts it into the draft when it has arrived", async () => {
    const { session, settle } = uploader("one");
    addFiles(session, [file]);
    expect(uploads("one").value).toMatchObject([{ name: "a.txt", size: 3, part: 0.5, problem: "" }]);
    expect(uploading("one")).toBe(true);
    settle(attachment);
    await Promise.resolve();
    await Promise.resolve();
    expect(uploads("one").value).toEqual([]);
    expect(draft("one").value.attachments).toEqual([attachment]);
  });
  it("keeps a refused file in sight with the reason and lets the prompt go without it", async () => {
    const { session, settle } = uploader("two");
    addFiles(session, [file]);
    settle(new ApiError(413, "File too large: a.txt exceeds 1000 bytes"));
    await new Promise((resolve) => setTimeout(resolve));
    expect(uploads("two").value).toMatchObject([{ problem: "Too large, 1 kB at most" }]);
    expect(uploading("two")).toBe(false);
    expect(draft("two").value.attachments).toEqual([]);
  });
  it("stops an upload that is taken back", async () => {
    const { session, settle, aborted } = uploader("three");
    addFiles(session, [file]);
    uploads("three").value[0]?.cancel();
    expect(aborted()).toBe(true);
    settle(attachment);
    await new Promise((resolve) => setTimeout(resolve));
    expect(draft("three").value.attachments).toEqual([]);
  });
});
