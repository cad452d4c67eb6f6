import { expect, it, vi } from 'vitest';
import { createEvent } from './event.ts';

it('calls all listeners in order, those added later too', () => {
  const calls: string[] = [];
  const { subscribe, emit } = createEvent();
  emit();
  subscribe(() => calls.push('first'));
  emit();
  subscribe(() => calls.push('second'));
  emit();
  expect(calls).toEqual(['first', 'first', 'second']);
});

it('can be passed on as a function', () => {
  const event = createEvent();
  const listener = vi.fn();
  event.subscribe(listener);
  const { emit } = event;
  emit();
  expect(listener).toHaveBeenCalledOnce();
});
