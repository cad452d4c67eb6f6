import { afterEach, describe, expect, it, vi } from 'vitest';
import { readItem, writeItem } from './storage.ts';

describe('browser storage', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  it('writes, reads and removes', () => {
    const items = new Map<string, string>();
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
    });
    writeItem('localStorage', 'key', 'value');
    expect(readItem('localStorage', 'key')).toBe('value');
    writeItem('localStorage', 'key', undefined);
    expect(readItem('localStorage', 'key')).toBeNull();
  });
  it('remembers nothing where storage is forbidden, and does not throw', () => {
    const forbid = () => {
      throw new Error('SecurityError');
    };
    vi.stubGlobal('sessionStorage', { getItem: forbid, setItem: forbid, removeItem: forbid });
    for (const storage of ['sessionStorage', 'localStorage'] as const) {
      expect(() => writeItem(storage, 'key', 'value')).not.toThrow();
      expect(() => writeItem(storage, 'key', undefined)).not.toThrow();
      expect(readItem(storage, 'key')).toBeNull();
    }
  });
});
