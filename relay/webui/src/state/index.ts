/** Everything that pages read and do, in one place. */

export * from "./types";
export * from "./account";
export * from "./runners";
export * from "./sessions";
export * from "./session";
export * from "./prefs";
export * from "./drafts";
