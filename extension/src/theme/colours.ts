// A colour for each step, the same in cells, graph and lists.

/** How many hues there are; style/colours.css defines them for light and dark themes. */
export const HUES = 10;

/** CSS colours of steps by their place in the notebook: a step keeps its colour while those before it stay. */
export function stepColours(names: Iterable<string>): Map<string, string> {
  const colours = new Map<string, string>();
  for (const name of names) {
    if (!colours.has(name)) {
      colours.set(name, `var(--cm-step-${colours.size % HUES})`);
    }
  }
  return colours;
}
