/**
 * An event between the parts of one process. With it, a part can report something without knowing the parts that react, and
 * without depending on the order in which they are started.
 */
export interface PartEvent {
  /** Calls `listener` each time the event is emitted. It must be quick and must not throw. */
  subscribe(listener: () => void): void;
  /** Calls all listeners in the order of their subscription. Does nothing before the first. */
  emit(): void;
}

export function createEvent(): PartEvent {
  const listeners: (() => void)[] = [];
  return {
    subscribe(listener) {
      listeners.push(listener);
    },
    emit() {
      for (const listener of listeners) listener();
    },
  };
}
