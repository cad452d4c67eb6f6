/**
 * Browser storage may be forbidden or full. The pages then remember nothing, and work. In the frame of another site, even naming the
 * storage can fail, so callers give its name.
 */
type StorageName = 'localStorage' | 'sessionStorage';

export function readItem(storage: StorageName, key: string): string | null {
  try {
    return globalThis[storage].getItem(key);
  } catch {
    return null;
  }
}

export function writeItem(storage: StorageName, key: string, value: string | undefined): void {
  try {
    if (value === undefined) globalThis[storage].removeItem(key);
    else globalThis[storage].setItem(key, value);
  } catch {
    // The value is not remembered.
  }
}
