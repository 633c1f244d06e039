// A magic line's arguments cut into words as Python's `shlex.split(text, comments=True)` does, with their places.

/** A word: `value` without quotes, and where its raw text stands. */
export interface IWord {
  value: string;
  start: number;
  end: number;
}

export interface IWords {
  words: readonly IWord[];
  /** Where a comment begins; the text's length if there is none. */
  comment: number;
}

/** Cut a text into words; null where a quote is opened and not closed. */
export function splitWords(text: string): IWords | null {
  const words: IWord[] = [];
  let at = 0;
  while (at < text.length) {
    if (/[ \t\r\n]/.test(text[at])) {
      at++;
    } else if (text[at] === '#') {
      return { words, comment: at };
    } else {
      const word = readWord(text, at);
      if (!word) {
        return null;
      }
      words.push(word);
      at = word.end;
    }
  }
  return { words, comment: text.length };
}

function readWord(text: string, start: number): IWord | null {
  let value = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at++) {
    const letter = text[at];
    if (letter === '\\' && quote !== "'") {
      at++;
      if (at >= text.length) {
        return null;
      }
      value += quote && text[at] !== quote && text[at] !== '\\' ? '\\' + text[at] : text[at];
    } else if (quote) {
      if (letter === quote) {
        quote = '';
      } else {
        value += letter;
      }
    } else if (letter === "'" || letter === '"') {
      quote = letter;
    } else if (/[ \t\r\n#]/.test(letter)) {
      break;
    } else {
      value += letter;
    }
  }
  return quote ? null : { value, start, end: at };
}
