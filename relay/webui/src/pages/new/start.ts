/** Start a session on a runner, and hand it what it can only be given once it runs. */
import { draft } from "../../state/drafts";
import { startSession } from "../../state/sessions";
import { joined } from "../../sidebar/joined";
import { errorWords, toast } from "../../ui";
import type { Settings } from "./settings";

/** Everything that a session starts with. */
export interface Wish extends Settings {
  runnerId: string;
  prompt: string;
  files: readonly File[];
}

/** A worker takes a second or two to come up, on a busy machine many more; milliseconds. */
const SETTLE = 60_000;

/** Start it and answer its id. Files and plan mode follow once the agent is there. Rejects with the relay's words. */
export async function begin(wish: Wish): Promise<string> {
  const later = wish.files.length > 0 || wish.planFirst;
  const cut = wish.model.indexOf("/");
  const id = await startSession({
    runnerId: wish.runnerId,
    ...(wish.cwd ? { cwd: wish.cwd } : {}),
    ...(cut > 0 ? { model: { provider: wish.model.slice(0, cut), id: wish.model.slice(cut + 1) } } : {}),
    ...(wish.agent ? { agent: { name: wish.agent } } : {}),
    ...(wish.thinking ? { effort: wish.thinking } : {}),
    ...(!later && wish.prompt ? { prompt: wish.prompt } : {}),
  });
  if (later) void settle(id, wish);
  return id;
}

async function settle(id: string, wish: Wish): Promise<void> {
  try {
    await joined(
      id,
      async (session) => {
        if (wish.planFirst) await session.setPlanMode(true);
        const attachments = await Promise.all(wish.files.map((file) => session.upload(file)));
        if (wish.prompt || attachments.length > 0) await session.send(wish.prompt, { attachments });
      },
      SETTLE,
    );
  } catch (error) {
    const unsent = draft(id);
    if (unsent.peek().text === "") unsent.value = { ...unsent.peek(), text: wish.prompt };
    toast({ words: `Not sent. Your text is still here. ${errorWords(error)}`, kind: "error" });
  }
}
