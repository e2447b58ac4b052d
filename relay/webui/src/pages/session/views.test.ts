import { describe, expect, it } from "vitest";
import { addressOf, layoutOf } from "./views";

const known = ["conversation", "overview", "changes", "files", "terminal"];
const layout = (view: string | undefined, query = "") => layoutOf(view, new URLSearchParams(query), known);

describe("layoutOf", () => {
  it("shows the conversation without a view and for an unknown one", () => {
    expect(layout(undefined)).toEqual({ view: "conversation", wide: false, beside: null });
    expect(layout("secrets", "wide")).toEqual({ view: "conversation", wide: false, beside: null });
  });
  it("puts a view beside the conversation, or over it", () => {
    expect(layout("files")).toEqual({ view: "files", wide: false, beside: null });
    expect(layout("files", "wide")).toEqual({ view: "files", wide: true, beside: null });
  });
  it("shows two views side by side, never one twice", () => {
    expect(layout("files", "beside=terminal")).toEqual({ view: "files", wide: true, beside: "terminal" });
    expect(layout("files", "beside=files")).toEqual({ view: "files", wide: false, beside: null });
    expect(layout("files", "beside=preview")).toEqual({ view: "files", wide: false, beside: null });
  });
});

it("writes addresses that read back as they were", () => {
  for (const each of [layout(undefined), layout("files"), layout("files", "wide"), layout("files", "beside=terminal")]) {
    const [path = "", query = ""] = addressOf("a b", each).split("?");
    expect(path.startsWith("/session/a%20b")).toBe(true);
    expect(layout(path.split("/")[3], query)).toEqual(each);
  }
});
