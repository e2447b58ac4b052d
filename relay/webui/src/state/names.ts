/** Name things for people. Pure. */

const LONGEST = 60;

/** Answer the first sentence of a prompt, at most 60 characters, "" for nothing readable. */
export function firstSentence(prompt: string): string {
  const line = prompt
    .replace(/<!--[\s\S]*?-->/g, " ")
    .split("\n")
    .map((part) => part.trim())
    .find((part) => part !== "");
  if (!line) return "";
  const flat = line.replace(/\s+/g, " ").replace(/^#+\s*/, "");
  const end = /[.!?…](?=\s|$)/.exec(flat);
  const sentence = end ? flat.slice(0, end.index + (end[0] === "?" ? 1 : 0)) : flat;
  const text = sentence === "" ? flat : sentence;
  if (text.length <= LONGEST) return text;
  const cut = text.slice(0, LONGEST - 1);
  const space = cut.lastIndexOf(" ");
  return `${(space > LONGEST / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
}
