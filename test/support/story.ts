/**
 * A story that a system passes through in one direction: made, cut off, lost. A test names the state it needs. In file order each
 * state is reached once; a test that runs by itself (`-t`) reaches its state through the states before it.
 */
export function createStory<State extends string>(
  steps: readonly (readonly [state: State, reach: () => Promise<void>])[],
): (state: State) => Promise<void> {
  let reached = 0;
  return async state => {
    const target = steps.findIndex(([name]) => name === state) + 1;
    if (reached > target)
      throw new Error(`The story is past "${state}": its tests run in the order of the file.`);
    while (reached < target) await steps[reached++]?.[1]();
  };
}
