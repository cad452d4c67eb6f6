import { describe, expect, it } from 'vitest';
import { readItem, writeItem } from './storage.ts';

const createStorage = (items = new Map<string, string>()): Storage =>
  ({
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }) as unknown as Storage;

const forbidden = new Proxy({} as Storage, {
  get: () => () => {
    throw new Error('SecurityError');
  },
});

describe('browser storage', () => {
  it('writes, reads and removes', () => {
    const storage = createStorage();
    writeItem(storage, 'key', 'value');
    expect(readItem(storage, 'key')).toBe('value');
    writeItem(storage, 'key', undefined);
    expect(readItem(storage, 'key')).toBeNull();
  });
  it('remembers nothing where storage is forbidden, and does not throw', () => {
    expect(() => writeItem(forbidden, 'key', 'value')).not.toThrow();
    expect(() => writeItem(forbidden, 'key', undefined)).not.toThrow();
    expect(readItem(forbidden, 'key')).toBeNull();
  });
});
