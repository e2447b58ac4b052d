/** Read the link that a runner prints. Pure. */

/** Answer the token of a runner's link (rest-account.md 5): 64 hexadecimal digits, alone or in an address. */
export function tokenOf(link: string): string | null {
  return /(?:^|[?&]t=|\/link\/)([0-9a-f]{64})(?:$|[&/#?])/.exec(link.trim())?.[1] ?? null;
}
