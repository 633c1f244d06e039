// Small comparisons of texts, so that edits touch no more than what differs.

export interface ITextEdit {
  start: number;
  end: number;
  text: string;
}

/** The one place where two texts differ: replace `start..end` of the first by `text` to get the second. */
export function changedPart(before: string, after: string): ITextEdit {
  const shortest = Math.min(before.length, after.length);
  let start = 0;
  while (start < shortest && before[start] === after[start]) {
    start++;
  }
  let end = 0;
  while (end < shortest - start && before.at(-1 - end) === after.at(-1 - end)) {
    end++;
  }
  return { start, end: before.length - end, text: after.slice(start, after.length - end) };
}

export function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
